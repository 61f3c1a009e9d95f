// Lua includes <setjmp.h>, and wasi-libc's refuses to compile without exceptions; with lua/errors.h nothing is used.
