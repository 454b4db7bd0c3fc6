/**
 * SQLite's files in the disk log: its library is shared, so that the linker's stand-ins do not see
 * what it calls.
 */
#pragma once

/**
 * From here on what SQLite changes is noted in the log that is armed then: a VFS, the default one,
 * that stands before the one for Unix. Syncs do not reach the disk, as those of the stand-ins.
 *
 * The `-shm` file is not noted: SQLite makes it anew after a crash. For a child of the test, once.
 */
void disk_sqlite_register(void);
