package sim

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// build builds a package of the project that the guest shows. What is built goes by the words in the project's Rust files, see
// [DefaultProgram]; with "compile_error!" in them it fails.
func (i *invocation) build() int {
	dir, project, name := i.user.home+"/"+i.args[0], i.args[1], i.args[2]
	i.remove(dir)
	location := i.mounts[project].location
	if _, err := os.Stat(filepath.Join(location, "Cargo.toml")); location == "" || err != nil {
		return i.fail(1, "%s/Cargo.toml is not to be seen in the VM", project)
	}
	if !newEnough(i.cargo, i.args[3]) || !newEnough(i.cargo, i.args[4]) {
		return i.lacksCargo(i.args[3], i.args[4])
	}
	source := rustOf(location)
	i.print("   Compiling %s v0.1.0 (%s/crates/%s)", name, project, name)
	if bytes.Contains(source, []byte("compile_error!")) {
		i.print("error: it does not compile\n --> crates/%s/src/main.rs:1:1\n  |\n1 | compile_error!(\"it does not compile\");", name)
		i.print("  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n\nerror: could not compile `%s` (bin \"%s\") due to 1 previous error", name, name)
		return 101
	}
	i.print("    Finished release [optimized] target(s) in 1.31s")
	out := i.put(dir+"/out/"+name, file{kind: regular, mode: 0o755, uid: i.user.uid, gid: i.user.uid, data: append([]byte("\x7fELF"), source...)})
	i.print("built %d %s %s", len(out.data), sum(out.data), dir+"/out/"+name)
	return 0
}

func (i *invocation) lacksCargo(wantCargo, wantRust string) int {
	found := " there is none"
	if i.cargo != "" {
		found = "\n/usr/bin has cargo " + i.cargo + ".0 and rustc " + i.cargo + ".0"
	}
	return i.fail(4, "no cargo of version %s with a rustc of version %s, or later:%s", wantCargo, wantRust, found)
}

// rustOf is all that is written in Rust below a directory of the host.
func rustOf(location string) (text []byte) {
	_ = filepath.WalkDir(location, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".rs" {
			content, _ := os.ReadFile(path)
			text = append(text, content...)
		}
		return nil // what cannot be read is not built
	})
	return text
}

func newEnough(have, want string) bool {
	minor := func(version string) (number int) { // of 1.N
		number, _ = strconv.Atoi(strings.TrimPrefix(version, "1."))
		return number
	}
	return have != "" && (want == "any" || minor(have) >= minor(want))
}

// installCargo installs what apt-get offers.
func (i *invocation) installCargo() int {
	offered := i.image.OfferedCargo
	switch {
	case i.image.NoApt:
		return i.fail(4, "this guest has no apt-get to install one with")
	case i.vm.conditions.Offline:
		return i.fail(100, "E: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/noble/InRelease  Temporary failure resolving 'archive.ubuntu.com'")
	case offered == "":
		return i.fail(4, "the distribution offers none")
	case !newEnough(offered, i.args[0]) || !newEnough(offered, i.args[1]):
		return i.fail(4, "the distribution offers cargo %s with rustc %s;", offered, offered)
	case i.full("apt-get"):
		return 100
	}
	i.print("Setting up cargo (%s.0) ...", offered)
	i.cargo = offered
	return 0
}
