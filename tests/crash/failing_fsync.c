/* Loaded before the C library (LD_PRELOAD): fsync and fdatasync fail with EIO for files whose path holds the text
 * FSYNC_FAILS_BELOW, as long as the file FSYNC_FAILS_WHILE is there. What was written stays where it was, in the
 * kernel's memory; a disk that fails may lose it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int file)
{
    const char *below = getenv("FSYNC_FAILS_BELOW"), *while_there = getenv("FSYNC_FAILS_WHILE");
    char link[64], path[4096];

    if (below == NULL || while_there == NULL || access(while_there, F_OK) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = '\0';
    return strstr(path, below) != NULL;
}

static int flush(const char *name, int file)
{
    if (fails(file)) {
        errno = EIO;
        return -1;
    }
    int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, name);
    return real(file);
}

int fsync(int file)
{
    return flush("fsync", file);
}

int fdatasync(int file)
{
    return flush("fdatasync", file);
}
