package lima

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReasonsOfAFailedStart: what the host agent's log shows, in lines as Lima 2.1 writes them.
func TestReasonsOfAFailedStart(t *testing.T) {
	const (
		info = `{"level":"info","msg":"Starting QEMU (hint: see serial.log)","time":"2026-11-28T07:08:31Z"}`
		qemu = `{"level":"debug","msg":"qemu[stderr]: qemu-system-x86_64: -device x: 'x' is not a valid device model name"}`
		warn = `{"level":"debug","msg":"qemu[stderr]: qemu-system-x86_64: warning: TCG doesn't support it"}`
		end1 = `{"level":"info","msg":"Driver stopped due to error: \"exit status 1\""}`
		kill = `{"level":"info","msg":"Driver stopped due to error: \"signal: killed\""}`
		miss = `{"level":"fatal","msg":"could not find firmware for x86_64"}`
		fail = `{"error":"no such file","level":"error","msg":"failed to open the socket"}`
		odd  = `{"level":"warning","msg":"Not adding QEMU argument"}`
	)
	for name, test := range map[string]struct {
		lines string
		want  []string
	}{
		"nothing":       {"", nil},
		"nothing wrong": {info + "\n" + odd, nil},
		"QEMU's own words": {info + "\n" + qemu + "\n" + warn + "\n" + end1,
			[]string{"qemu-system-x86_64: -device x: 'x' is not a valid device model name",
				"the VM's process ended: exit status 1"}},
		"warnings of QEMU": {warn + "\n" + kill, []string{"the VM's process ended: signal: killed"}},
		"fatal":            {miss + "\n" + fail + "\n" + info, []string{"could not find firmware for x86_64"}},
		"error":            {fail + "\n" + info, []string{"failed to open the socket: no such file"}},
		"the last error": {fail + "\n" + strings.ReplaceAll(fail, "socket", "disk"),
			[]string{"failed to open the disk: no such file"}},
		"crash": {info + "\npanic: nil map\n\ngoroutine 1 [running]:\n", []string{"panic: nil map"}},
		"library": {"limactl: error while loading shared libraries: libc.so.6: no",
			[]string{"limactl: error while loading shared libraries: libc.so.6: no"}},
		"escape sequences": {`{"level":"fatal","msg":"\u001b[31mred\u001b[0m"}`, []string{"red"}},
		"unfinished line": {qemu + "\n" + `{"level":"fat`,
			[]string{"qemu-system-x86_64: -device x: 'x' is not a valid device model name"}},
		"virtiofsd and QEMU": {strings.Replace(qemu, "qemu[", "virtiofsd-0[", 1) + "\n" +
			strings.Replace(qemu, "-device", "-chardev", 1),
			[]string{"qemu-system-x86_64: -device x: 'x' is not a valid device model name",
				"qemu-system-x86_64: -chardev x: 'x' is not a valid device model name"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			log := NewHostLog(dir)
			defer log.Close()
			writeLog(t, dir, test.lines, os.O_TRUNC)
			if have := log.Reasons(); !slices.Equal(have, test.want) {
				t.Errorf("got %q", have)
			}
		})
	}
}

// TestReasonsOfAnEarlierStart don't count, whether Lima makes a new file or appends to the old one.
func TestReasonsOfAnEarlierStart(t *testing.T) {
	const old, now = `{"level":"fatal","msg":"old"}` + "\n", `{"level":"fatal","msg":"new"}` + "\n"
	dir := t.TempDir()
	writeLog(t, dir, old, os.O_TRUNC)
	log := NewHostLog(dir)
	defer log.Close()
	if have := log.Reasons(); len(have) > 0 {
		t.Errorf("got %q, and nothing was written", have)
	}
	writeLog(t, dir, now, os.O_APPEND)
	if have := log.Reasons(); !slices.Equal(have, []string{"new"}) {
		t.Errorf("appended: %q", have)
	}
	log = NewHostLog(dir)
	defer log.Close()
	if err := os.Remove(filepath.Join(dir, "ha.stderr.log")); err != nil {
		t.Fatal(err)
	}
	writeLog(t, dir, strings.Repeat(`{"level":"info","msg":"x"}`+"\n", 10)+now, os.O_TRUNC)
	if have := log.Reasons(); !slices.Equal(have, []string{"new"}) {
		t.Errorf("a new file: %q", have)
	}
}

func writeLog(t *testing.T, dir, text string, flag int) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(dir, "ha.stderr.log"), os.O_CREATE|os.O_WRONLY|flag, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
