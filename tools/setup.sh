# Finds out what building and testing need and this machine lacks, and installs it on Debian and
# Ubuntu. Sourced by run and check; plain sh.

system_name() {
    case "$(uname -s)" in Darwin) echo macos; return ;; esac
    ids=$( (. /etc/os-release && echo " $ID ${ID_LIKE:-} ") 2>/dev/null) || ids=
    case "$ids" in
    *" debian "* | *" ubuntu "*) echo debian ;;
    *" fedora "* | *" rhel "*) echo fedora ;;
    *" suse "* | *" opensuse "*) echo suse ;;
    *" arch "*) echo arch ;;
    *" alpine "*) echo alpine ;;
    *) echo unknown ;;
    esac
}

has_command() { command -v "$1" >/dev/null 2>&1; }
has_library() { pkg-config --exists "$1" 2>/dev/null; }

# Prints the Debian packages that are missing for building.
missing_for_build() {
    has_command gcc || has_command clang || echo gcc libc6-dev
    has_command meson || echo meson
    has_command ninja || echo ninja-build
    has_command pkg-config || echo pkg-config
    has_library 'libcurl >= 7.85' || echo libcurl4-openssl-dev
    has_library 'libcrypto >= 3.0' || echo libssl-dev
    has_library 'jansson >= 2.12' || echo libjansson-dev
    has_library 'sqlite3 >= 3.40' || echo libsqlite3-dev
    has_library libutf8proc || echo libutf8proc-dev
    has_library zlib || echo zlib1g-dev
}

# Prints the Debian packages that are missing for the tests.
missing_for_tests() {
    has_command gcc || echo gcc
    has_command clang || echo clang
    has_command openssl || echo openssl
    has_command tmux || echo tmux
    has_command strace || echo strace
    has_library cmocka || echo libcmocka-dev
    # Other systems do not have it; its tests are skipped there.
    has_command docker-registry || [ "$(system_name)" != debian ] || echo docker-registry
    has_command nginx || echo nginx-light
    has_command tinyproxy || echo tinyproxy-bin
    has_command ip || echo iproute2
    has_command mkfs.xfs || [ "$(system_name)" != debian ] || echo xfsprogs
    has_command mkfs.btrfs || [ "$(system_name)" != debian ] || echo btrfs-progs
    has_command microsocks || [ "$(system_name)" != debian ] || echo microsocks
    "$(tests_python)" -c 'import pytest' 2>/dev/null || echo python3 python3-pytest
}

# Prints the system's own Python, which has the system's pytest: a version manager's may stand before it.
tests_python() {
    if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else echo python3; fi
}

# Says on another system than Debian what to install there.
name_packages() {
    sudo='sudo '
    [ "$(id -u)" != 0 ] || sudo=
    echo "Missing here, by the names that Debian gives them: $*"
    case "$(system_name)" in
    fedora) echo "Install everything with:
  ${sudo}dnf install gcc meson ninja-build pkgconf-pkg-config libcurl-devel openssl-devel jansson-devel sqlite-devel utf8proc-devel zlib-devel
For the tests:
  ${sudo}dnf install clang python3-pytest libcmocka-devel openssl tmux strace nginx tinyproxy" ;;
    suse) echo "Install everything with:
  ${sudo}zypper install gcc meson ninja pkgconf-pkg-config libcurl-devel libopenssl-devel libjansson-devel sqlite3-devel utf8proc-devel zlib-devel
For the tests:
  ${sudo}zypper install clang python3-pytest libcmocka-devel openssl tmux strace nginx tinyproxy" ;;
    arch) echo "Install everything with:
  ${sudo}pacman -S --needed gcc meson ninja pkgconf curl openssl jansson sqlite libutf8proc zlib
For the tests:
  ${sudo}pacman -S --needed clang python-pytest cmocka tmux strace nginx tinyproxy" ;;
    alpine) echo "Install everything with:
  ${sudo}apk add gcc musl-dev meson ninja pkgconf curl-dev openssl-dev jansson-dev sqlite-dev utf8proc-dev zlib-dev
For the tests:
  ${sudo}apk add clang python3 py3-pytest cmocka-dev openssl bash tmux strace nginx tinyproxy docker-registry" ;;
    macos) echo "Install everything with:
  brew install meson ninja pkg-config curl openssl@3 jansson sqlite utf8proc zlib
For the tests:
  brew install python pytest cmocka tmux nginx tinyproxy" ;;
    *) echo "pullama needs a C compiler, meson 1.0, ninja, pkg-config, libcurl 7.85, OpenSSL 3.0, jansson 2.12, SQLite 3.40, utf8proc, zlib.
Install them with this system's package manager, then run this command again." ;;
    esac
} >&2

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_quiet() {
    apt_log=$(mktemp)
    quietly "$apt_log" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
    apt_status=$?
    rm -f "$apt_log"
    return $apt_status
}

# Installs packages without starting the servers among them, now or at the next boot: the tests
# start their own.
install_debs() (
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'as_root rm -f $policy' EXIT INT TERM
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
    fi
    apt_quiet install --no-install-recommends "$@" || exit 1
    for service in nginx docker-registry; do
        case " $* " in *" $service"*) ! has_command systemctl || as_root systemctl --quiet disable $service ;; esac
    done >/dev/null 2>&1
    exit 0
)

# install_packages CHECK: installs what the function CHECK says is missing, if anything.
install_packages() {
    missing=$($1 | tr ' ' '\n' | sort -u | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if [ "$(system_name)" != debian ] || ! has_command apt-get; then
        name_packages "$missing"
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! has_command sudo; then
        echo "Missing here: $missing" >&2
        echo "Install it as root with: apt-get install $missing" >&2
        return 1
    fi
    echo "installing: $missing" >&2
    # shellcheck disable=SC2086  # a list of words
    apt_quiet update && install_debs $missing || return 1
    missing=$($1 | tr '\n' ' ')
    [ -z "$missing" ] || {
        echo "Still missing, or too old in this release: $missing" >&2
        echo "pullama needs libcurl 7.85, OpenSSL 3.0 and meson 1.0 (Debian 12, Ubuntu 24.04 or newer)." >&2
        return 1
    }
}

# quietly LOG COMMAND…: shows what the command said only when it failed.
quietly() {
    quiet_log=$1
    shift
    if "$@" >"$quiet_log" 2>&1; then
        return 0
    fi
    cat "$quiet_log" >&2
    echo "failed: $*" >&2
    return 1
}

# build FOLDER COMPILER OPTIONS…: sets the folder up once and builds what has changed.
build() {
    build_folder=$1 build_compiler=$2
    shift 2
    mkdir -p "$build_folder" || return 1
    if [ ! -w "$build_folder" ]; then
        echo "$build_folder belongs to $(stat -c %U "$build_folder"), and you may not write there." >&2
        echo "Remove it as that user, or work in a clone of your own." >&2
        return 1
    fi
    if [ ! -f "$build_folder/build.ninja" ]; then
        quietly "$build_folder/setup.log" env CC="$build_compiler" \
            meson setup "$@" "$build_folder" "$root" || return 1
    fi
    quietly "$build_folder/ninja.log" ninja -C "$build_folder"
}

# The compiler that the user wants, or the first that there is.
any_compiler() {
    if [ -n "${CC:-}" ]; then echo "$CC"; elif has_command gcc; then echo gcc; else echo clang; fi
}
