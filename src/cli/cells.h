/**
 * Cells: how wide text is on a terminal, and cutting, padding and wrapping by that measure.
 *
 * The width of a text is the sum of its characters' widths, as terminals count; a cut never parts
 * a character from the marks that belong to it. A byte that is no UTF-8 counts one and becomes `?`.
 */
#pragma once

#include "pullama/defs.h"

unsigned plm_cells_width(const char *text);

/**
 * Copies as much of @p text as fits into @p cells and into @p size bytes; what is cut ends with
 * @p ellipsis if that fits.
 *
 * @return the width of what was copied.
 */
unsigned plm_cells_cut(const char *text, unsigned cells, const char *ellipsis, char *out,
                       size_t size);

/**
 * As plm_cells_cut(), but takes out the middle: the ends of names, paths and digests tell them
 * apart.
 */
unsigned plm_cells_cut_middle(const char *text, unsigned cells, const char *ellipsis, char *out,
                              size_t size);

/**
 * Where the first line of @p text ends when lines may be @p cells wide: behind a word if there is
 * one, else in the middle of it; at least one character.
 *
 * @param skip  receives the bytes up to where the next line begins.
 * @return      bytes of the first line; 0 only for an empty text.
 */
size_t plm_cells_wrap(const char *text, unsigned cells, size_t *skip);

/** Replaces every character that is not ASCII by one `?`, in place. */
void plm_cells_ascii(char *text);
