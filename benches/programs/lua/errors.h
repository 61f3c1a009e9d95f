// Put before Lua's sources: its errors end the program in place of a longjmp, which WASI does not have. The bodies that
// Lua protects run unprotected. The same for the native build, so that both do the same work.
#ifndef ERRORS_H
#define ERRORS_H
#include <stdio.h>
#include <stdlib.h>

#define LUAI_THROW(L, c) (fprintf(stderr, "lua: error %d\n", (c)->status), exit(70))
#define LUAI_TRY(L, c, a) \
    { a }
#define luai_jmpbuf int
// WASI has no signals either; nothing sends one here.
#define l_signalT int
// Addresses of tables would otherwise be part of the seed, and the order of `pairs` with it.
#define luai_makeseed(L) 20240601u
#endif
