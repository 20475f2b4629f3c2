/**
 * Libraries that a binary wants and this machine has not, made here so that it can be run at all. For checks only: nothing of
 * them is in a release.
 *
 * - musl: the runtime wants Alpine's libstdc++, which Debian has not. The one of the compiler here is made for glibc, but the
 *   few parts that are wanted of it need little of a C library: linked alone, they run with musl.
 * - Wine 8 has no bcryptprimitives.dll; it is one function, a source of random bytes.
 * - A pipe of Linux is none that the runtime can read from in Wine: a small program puts one of Wine's own between.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "../run-tool.ts";

/** What the parts of libstdc++ ask of glibc and musl has not, or has under another name. Nothing here is called in earnest. */
const MISSING_IN_MUSL = `
__attribute__((visibility("hidden"))) void *__dso_handle = &__dso_handle;
char __libc_single_threaded = 0;
extern unsigned long getauxval(unsigned long);
unsigned long __getauxval(unsigned long kind) { return getauxval(kind); }
int _dl_find_object(void *address, void *result) { return -1; }
unsigned arc4random(void) { __builtin_trap(); }
`;

const RANDOM_OF_WINDOWS = `
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
`;

/** Its command line without its own name is that of the program which it starts, feeds and ends as. */
const FEEDER = `
#include <windows.h>
static DWORD WINAPI feed(LPVOID to) {
  char bytes[4096];
  DWORD count, written;
  while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), bytes, sizeof bytes, &count, NULL) && count > 0)
    if (!WriteFile((HANDLE)to, bytes, count, &written, NULL)) return 0;
  CloseHandle((HANDLE)to);
  return 0;
}
int main(void) {
  WCHAR *line = GetCommandLineW();
  WCHAR end = *line == L'"' ? L'"' : L' ';
  for (line++; *line && *line != end; line++);
  for (line++; *line == L' '; line++);
  SECURITY_ATTRIBUTES inherited = { sizeof inherited, NULL, TRUE };
  HANDLE from, to;
  CreatePipe(&from, &to, &inherited, 0);
  SetHandleInformation(to, HANDLE_FLAG_INHERIT, 0);
  STARTUPINFOW start = { sizeof start };
  start.dwFlags = STARTF_USESTDHANDLES;
  start.hStdInput = from;
  start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
  start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
  PROCESS_INFORMATION child;
  if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &child)) return 125;
  CloseHandle(from);
  CreateThread(NULL, 0, feed, to, 0, NULL);
  WaitForSingleObject(child.hProcess, INFINITE);
  DWORD code;
  GetExitCodeProcess(child.hProcess, &code);
  ExitProcess(code);
}
`;

const WANTED = /\b(?:_Z|__cxa_|__gxx_|__dynamic_cast)\w*/g;
const OF_MUSL = new Set(["__cxa_finalize", "__cxa_thread_atexit_impl"]);

/** @param folder where it is put, and looked for then */
export async function makeMuslLibraries(compiler: string, binary: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const source = join(folder, "missing-in-musl.c");
  writeFileSync(source, MISSING_IN_MUSL);
  const found = (await runTool(["readelf", "--relocs", "--wide", binary])).match(WANTED) ?? [];
  const wanted = [...new Set(found)].filter((name) => !OF_MUSL.has(name)).map((name) => `-Wl,-u,${name}`);
  const archives: string[] = [];
  for (const name of ["libstdc++.a", "libgcc_eh.a", "libgcc.a"])
    archives.push(await runTool([compiler, `-print-file-name=${name}`]));
  const library = ["-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libstdc++.so.6", "-w"];
  await runTool([compiler, ...library, "-o", join(folder, "libstdc++.so.6"), source, ...wanted, ...archives]);
}

/** @returns the program that has to come before the binary */
export async function makeWineLibraries(compiler: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const [library, feeder] = [join(folder, "random.c"), join(folder, "feeder.c")];
  writeFileSync(library, RANDOM_OF_WINDOWS);
  writeFileSync(feeder, FEEDER);
  await runTool([compiler, "-shared", "-o", join(folder, "bcryptprimitives.dll"), library, "-ladvapi32"]);
  await runTool([compiler, "-o", join(folder, "feeder.exe"), feeder]);
  return join(folder, "feeder.exe");
}
