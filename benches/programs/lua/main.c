// Lua with the libraries that touch no files, running the script on its standard input; the arguments are `...`.
//
// WASI has no longjmp, so an error ends the program (see errors.h) and there are no coroutines.
#include <stdio.h>
#include <stdlib.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static char script[1 << 16];

int main(int argc, char **argv) {
    size_t length = fread(script, 1, sizeof script, stdin);
    lua_State *L = luaL_newstate();
    if (L == NULL)
        return 1;
    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    lua_settop(L, 0);
    if (luaL_loadbuffer(L, script, length, "=script") != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 2;
    }
    for (int i = 1; i < argc; i++)
        lua_pushstring(L, argv[i]);
    lua_call(L, argc > 1 ? argc - 1 : 0, 0);
    lua_close(L);
    return 0;
}
