/* Unpacking: one entry's data, stored or deflated; the only user of zlib. */
#include "archive/unpack.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "archive/record.h"

struct plm_unpack {
    bool is_deflated, ended;
    uint64_t left_in, left_out;
    z_stream stream;
};

bool plm_unpack_new(uint16_t method, uint64_t packed, uint64_t size, struct plm_unpack **out,
                    struct plm_error *err)
{
    if (method != PLM_ZIP_STORED && method != PLM_ZIP_DEFLATED)
        return plm_fail(err, PLM_E_UNSUPPORTED,
                        "it is packed by method %u; stored and deflated "
                        "entries can be read",
                        (unsigned)method);
    struct plm_unpack *u = calloc(1, sizeof(*u));
    if (!u)
        return plm_fail(err, PLM_E_NOMEM, "no memory to unpack with");
    u->is_deflated = method == PLM_ZIP_DEFLATED;
    u->left_in = packed;
    u->left_out = size;
    if (u->is_deflated && inflateInit2(&u->stream, -MAX_WBITS) != Z_OK) {
        free(u);
        return plm_fail(err, PLM_E_NOMEM, "no memory to unpack with");
    }
    *out = u;
    return true;
}

void plm_unpack_free(struct plm_unpack *u)
{
    if (u && u->is_deflated)
        (void)inflateEnd(&u->stream);
    free(u);
}

uint64_t plm_unpack_wants(const struct plm_unpack *u)
{
    return u->left_in;
}

bool plm_unpack_is_over(const struct plm_unpack *u)
{
    return u->left_in == 0 && u->left_out == 0 && (!u->is_deflated || u->ended);
}

static bool copy(struct plm_unpack *u, struct plm_unpack_turn *turn, struct plm_error *err)
{
    size_t length = turn->in_length < turn->room ? turn->in_length : turn->room;
    if (u->left_in != u->left_out)
        return plm_fail(err, PLM_E_CORRUPT, "it is stored, and has two sizes");
    if (length > u->left_out)
        length = (size_t)u->left_out;
    memcpy(turn->out, turn->in, length);
    turn->taken = turn->made = length;
    u->left_in -= length;
    u->left_out -= length;
    return true;
}

/* When its size is reached, a byte of room shows whether there is more. */
static bool inflate_some(struct plm_unpack *u, struct plm_unpack_turn *turn, struct plm_error *err)
{
    uint8_t beyond;
    bool full = u->left_out == 0;
    size_t room = full ? 1 : turn->room < u->left_out ? turn->room : (size_t)u->left_out;
    uInt in = turn->in_length < UINT_MAX ? (uInt)turn->in_length : UINT_MAX;
    uInt out = room < UINT_MAX ? (uInt)room : UINT_MAX;
    u->stream.next_in = turn->in;
    u->stream.avail_in = in;
    u->stream.next_out = full ? &beyond : turn->out;
    u->stream.avail_out = out;
    int result = inflate(&u->stream, Z_NO_FLUSH);
    turn->taken = in - u->stream.avail_in;
    turn->made = out - u->stream.avail_out;
    u->left_in -= turn->taken;
    u->ended = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return plm_fail(err, PLM_E_NOMEM, "no memory to unpack with");
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return plm_fail(err, PLM_E_CORRUPT, "its deflated bytes are broken");
    if (full && turn->made > 0)
        return plm_fail(err, PLM_E_CORRUPT, "it unpacks to more bytes than it says");
    u->left_out -= turn->made;
    if (u->ended && u->left_out > 0)
        return plm_fail(err, PLM_E_CORRUPT, "it unpacks to fewer bytes than it says");
    if (u->ended && u->left_in > 0)
        return plm_fail(err, PLM_E_CORRUPT, "it has bytes behind its end");
    if (!u->ended && u->left_in == 0 && turn->made == 0 && turn->taken == 0 && (full || room > 0))
        return plm_fail(err, PLM_E_CORRUPT, "its deflated bytes end early");
    return true;
}

bool plm_unpack_run(struct plm_unpack *u, struct plm_unpack_turn *turn, struct plm_error *err)
{
    turn->taken = turn->made = 0;
    if (plm_unpack_is_over(u))
        return true;
    if (!u->is_deflated)
        return copy(u, turn, err);
    if (u->ended)
        return plm_fail(err, PLM_E_CORRUPT, "it has bytes behind its end");
    return inflate_some(u, turn, err);
}

uint32_t plm_unpack_crc(uint32_t crc, const void *bytes, size_t length)
{
    return (uint32_t)crc32_z(crc, bytes, length);
}
