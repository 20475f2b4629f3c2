#!/bin/sh
# Installs p2p for one user, or brings it up to date:
#
#   curl -fsSL https://github.com/OWNER_NAME/p2p/releases/latest/download/install.sh | sh
#
# Owns the choice of the right file for a machine, and that only a file whose SHA-256 is that of the release is ever put
# in place, in one step: whatever goes wrong before, the program that was there stays. Needs no root, asks nothing, and
# changes nothing but that one file. Runs under any POSIX shell. P2P_VERSION, P2P_INSTALL_DIR and P2P_BASE_URL: see usage.
#
# Everything is in functions, and the last line calls the first: half a script does nothing.
set -eu

REPOSITORY=OWNER_NAME/p2p
PROGRAM=p2p
# What is being written; gone when this ends, however it ends.
temporary=

main() {
  case "${1-}" in
    "") ;;
    -h | --help)
      usage
      return 0
      ;;
    *) fail "unknown argument: $1; settings are environment variables, see --help" ;;
  esac
  trap 'remove_temporary' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM

  choose_file
  choose_source
  choose_tools
  choose_folder

  say "p2p for $machine, from $source"
  read_checksum
  if [ -f "$target" ] && [ "$(sha256 "$target")" = "$checksum" ]; then
    say "$target is up to date"
  else
    install_program
  fi
  report
}

usage() {
  cat << USAGE
Installs p2p, or brings it up to date. Environment variables:
  P2P_VERSION      the version wanted, as 0.1.0; by default the newest
  P2P_INSTALL_DIR  the folder for the program; by default ~/.local/bin
  P2P_BASE_URL     a folder with the files of a release, in place of GitHub
USAGE
}

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" > /dev/null 2>&1; }

remove_temporary() {
  if [ -n "$temporary" ]; then rm -f "$temporary"; fi
}

# Sets file, and machine, which is what people call it.
choose_file() {
  system=$(uname -s)
  processor=$(uname -m)
  case "$system" in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    MINGW* | MSYS* | CYGWIN* | Windows_NT) fail "on Windows use install.ps1, in PowerShell" ;;
    *) fail "there is no p2p for $system; there is one for Linux, macOS and Windows" ;;
  esac
  case "$processor" in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) fail "there is no p2p for the processor $processor; there is one for x86_64 and arm64" ;;
  esac
  suffix=
  if [ "$os" = linux ]; then
    # A kernel of 64 bits says x86_64 or aarch64 also where all programs have 32.
    if [ "$(getconf LONG_BIT 2> /dev/null || echo 64)" = 32 ]; then
      fail "there is no p2p for a Linux of 32 bits"
    fi
    if is_musl; then suffix=-musl; fi
  elif [ "$cpu" = x64 ] && [ "$(sysctl -n sysctl.proc_translated 2> /dev/null || echo 0)" = 1 ]; then
    # This shell is being translated from Intel; the machine is none.
    cpu=arm64
  fi
  file=$PROGRAM-$os-$cpu$suffix
  machine="$system $cpu${suffix:+ (musl)}"
}

# Asks the C library that programs here use; where nothing answers, its loader may lie about.
is_musl() {
  if getconf GNU_LIBC_VERSION > /dev/null 2>&1; then return 1; fi
  case "$(ldd --version 2>&1 || true)" in
    *musl*) return 0 ;;
    *GNU* | *GLIBC* | *glibc*) return 1 ;;
  esac
  [ -e "/lib/ld-musl-$processor.so.1" ]
}

# Sets source, the address of the folder that all files come from.
choose_source() {
  version=${P2P_VERSION:-}
  version=${version#v}
  case "$version" in
    *[!0-9A-Za-z.+-]*) fail "P2P_VERSION is a version like 0.1.0, given: $P2P_VERSION" ;;
  esac
  if [ -n "${P2P_BASE_URL:-}" ]; then
    source=${P2P_BASE_URL%/}
  elif [ -n "$version" ]; then
    source=https://github.com/$REPOSITORY/releases/download/v$version
  else
    source=https://github.com/$REPOSITORY/releases/latest/download
  fi
  case "$source" in
    https://*) ;;
    http://127.0.0.1:* | http://localhost:*) ;;
    http://*) warn "$source is not encrypted: whoever is in between can give you another program" ;;
    *) fail "P2P_BASE_URL begins with https:// or http://, given: $P2P_BASE_URL" ;;
  esac
}

choose_tools() {
  if has curl; then
    loader=curl
  elif has wget; then
    loader=wget
  else
    fail "neither curl nor wget is here: install one of them"
  fi
  if has sha256sum; then
    summer=sha256sum
  elif has shasum; then
    summer=shasum
  elif has openssl; then
    summer=openssl
  else
    fail "neither sha256sum nor shasum nor openssl is here: nothing could be verified"
  fi
}

# Sets folder, which is there and can be written to afterwards, and target.
choose_folder() {
  if [ -n "${P2P_INSTALL_DIR:-}" ]; then
    folder=$P2P_INSTALL_DIR
  elif [ -n "${HOME:-}" ]; then
    folder=$HOME/.local/bin
  else
    fail "HOME is not set: set P2P_INSTALL_DIR to the folder for the program"
  fi
  case "$folder" in
    /*) ;;
    *) folder=$(pwd)/$folder ;;
  esac
  mkdir -p "$folder" 2> /dev/null || fail "the folder $folder cannot be made: set P2P_INSTALL_DIR to another one"
  if [ ! -w "$folder" ]; then
    fail "the folder $folder cannot be written to: set P2P_INSTALL_DIR to another one"
  fi
  target=$folder/$PROGRAM
  if [ -d "$target" ]; then fail "$target is a folder: set P2P_INSTALL_DIR to another one than $folder"; fi
}

# Sets checksum, what the release says of the file.
read_checksum() {
  make_temporary
  download SHA256SUMS
  checksum=
  while read -r sum name || [ -n "$sum" ]; do
    if [ "${name#\*}" = "$file" ]; then checksum=$sum; fi
  done < "$temporary"
  case "$checksum" in
    "") fail "$source/SHA256SUMS does not name $file: this release has no p2p for $machine" ;;
    *[!0-9a-f]*) fail "$source/SHA256SUMS is not a list of checksums" ;;
  esac
  if [ ${#checksum} -ne 64 ]; then fail "$source/SHA256SUMS is not a list of checksums"; fi
}

# In the folder of the target, so that the last step is a mere change of name.
make_temporary() {
  if [ -n "$temporary" ]; then return 0; fi
  temporary=$(mktemp "$folder/.$PROGRAM-XXXXXX" 2> /dev/null) ||
    fail "the folder $folder cannot be written to, or its disk is full: set P2P_INSTALL_DIR to another one"
}

install_program() {
  download "$file"
  got=$(sha256 "$temporary")
  if [ "$got" != "$checksum" ]; then
    fail "what came from $source/$file is not the file of the release (SHA-256 $got, wanted $checksum); nothing was installed"
  fi
  chmod 755 "$temporary"
  try_program
  mv -f "$temporary" "$target"
  temporary=
  say "installed $target, version $shown"
}

# A program that does not start here takes no working one's place.
try_program() {
  if ! shown=$("$temporary" --version 2> /dev/null); then
    hint=
    if [ "$suffix" = -musl ]; then hint='; on Alpine it needs: apk add libstdc++'; fi
    fail "$file does not start on this machine, nothing was installed$hint"
  fi
  # The first word of it; the commit is behind.
  if [ -n "$version" ] && [ "${shown%% *}" != "$version" ]; then
    fail "version $version was wanted, $source has $shown; nothing was installed"
  fi
}

# Puts a file of the release into the temporary one.
download() {
  status=0
  case "$loader" in
    curl) with_curl "$source/$1" || status=$? ;;
    wget) with_wget "$source/$1" || status=$? ;;
  esac
  if [ "$status" = 0 ]; then return 0; fi
  if is_disk_full "$status"; then fail "the disk of $folder is full; nothing was installed"; fi
  if [ "$loader-$status" = curl-22 ] || [ "$loader-$status" = wget-8 ]; then
    fail "the server does not give $source/$1: is there such a release?"
  fi
  fail "$source/$1 could not be fetched: no network, or it broke ($loader ended with $status); nothing was installed"
}

with_curl() {
  progress=--silent
  if [ -t 2 ]; then progress=--progress-bar; fi
  # What begins encrypted stays so, also where the server sends it elsewhere.
  case "$1" in
    https:*) set -- "$1" --proto '=https' --tlsv1.2 ;;
  esac
  curl --fail --location "$progress" --retry 2 --connect-timeout 20 --speed-limit 1 --speed-time 60 \
    --output "$temporary" "$@"
}

with_wget() {
  wget -q -t 3 -T 60 -O "$temporary" "$1" 2> /dev/null
}

# curl says so with 23, GNU's wget with 3, that of busybox not at all.
is_disk_full() {
  if [ "$loader-$1" = curl-23 ] || [ "$loader-$1" = wget-3 ]; then return 0; fi
  free=$(df -Pk "$folder" 2> /dev/null | awk 'NR == 2 { print $4 }')
  [ "${free:-1024}" -lt 64 ]
}

sha256() {
  case "$summer" in
    sha256sum) sum=$(sha256sum < "$1") ;;
    shasum) sum=$(shasum -a 256 < "$1") ;;
    openssl) sum=$(openssl dgst -sha256 -r < "$1") ;;
  esac
  printf '%s\n' "${sum%% *}"
}

report() {
  say "its SHA-256 is that of the release; where it was built: gh attestation verify $target --repo $REPOSITORY"
  case ":$PATH:" in
    *":$folder:"*) ;;
    *)
      say "$folder is not on your PATH; add to the profile of your shell:"
      say "  export PATH=\"$folder:\$PATH\""
      return 0
      ;;
  esac
  found=$(command -v "$PROGRAM" || true)
  if [ -n "$found" ] && [ "$found" != "$target" ]; then warn "$found comes first on your PATH"; fi
}

main "$@"
