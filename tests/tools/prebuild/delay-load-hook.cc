/*
 * Node-API is imported from "node.exe", but the program that loads the addon may have another name: an editor, a
 * renamed node. When the import is bound, this answers with the running program.
 */
#include <windows.h>

#include <delayimp.h>

#include <cstring>

static FARPROC WINAPI answer_with_the_program(unsigned event, PDelayLoadInfo info)
{
    if (event != dliNotePreLoadLibrary || _stricmp(info->szDll, "node.exe") != 0) {
        return nullptr;
    }
    HMODULE library = GetModuleHandleA("libnode.dll");
    return reinterpret_cast<FARPROC>(library != nullptr ? library : GetModuleHandleA(nullptr));
}

extern "C" {
PfnDliHook __pfnDliNotifyHook2 = answer_with_the_program;
}
