package provision

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
)

// hostSigns is what shows on this machine, without asking anybody, that a VM or a run has changed: two equal ones say that
// nothing did.
func hostSigns(spec Spec, dir string) string {
	if dir == "" {
		dir = filepath.Join(spec.LimaHome, spec.VM)
	}
	var signs strings.Builder
	for _, name := range []string{"", filenames.LimaYAML, filenames.SSHSock, filenames.SSHConfig, filenames.Protected, filenames.Disk, filenames.HostAgentStdoutLog} {
		signs.WriteString(fileSign(filepath.Join(dir, name)))
	}
	booted, _ := bootOf(&limatype.Instance{Dir: dir}, time.Time{})
	fmt.Fprint(&signs, booted)
	pids, _ := filepath.Glob(filepath.Join(dir, "*.pid")) // the pattern is a constant
	for _, path := range pids {
		signs.WriteString(processSign(path))
	}
	forwarded := filepath.Join(dir, filenames.SocketDir, "substrate.sock")
	signs.WriteString(fileSign(forwarded) + listenerSign(forwarded))
	if info := underWay(spec); info != nil {
		fmt.Fprintf(&signs, " run %d", info.PID)
		if info.Step != nil {
			fmt.Fprintf(&signs, " step %d", info.Step.Number)
		}
	}
	return signs.String()
}

// fileSign tells a file from another one, or from itself after a change. Of a log that grows only the beginning counts.
func fileSign(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "-;"
	}
	known, _ := info.Sys().(*syscall.Stat_t)
	changed := ""
	if !info.IsDir() && !strings.HasSuffix(path, ".log") && info.Mode().IsRegular() && filepath.Base(path) != filenames.Disk {
		changed = info.ModTime().String()
	}
	return fmt.Sprintf("%v %d %s;", info.Mode(), known.Ino, changed)
}

// processSign is whether the process whose number is in a file lives, and whether it was stopped, which Linux shows.
func processSign(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "-;"
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || syscall.Kill(pid, 0) == syscall.ESRCH {
		return "gone;"
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // not there on other systems
	if _, state, found := bytes.Cut(status, []byte(") ")); found && len(state) > 0 && strings.ContainsRune("TtZ", rune(state[0])) {
		return fmt.Sprintf("%d %c;", pid, state[0])
	}
	return fmt.Sprintf("%d;", pid)
}

// stoppedProcesses names those of the VM's that were stopped.
func stoppedProcesses(dir string) (text string) {
	pids, _ := filepath.Glob(filepath.Join(dir, "*.pid")) // the pattern is a constant
	for _, path := range pids {
		if sign := processSign(path); strings.Contains(sign, " T") || strings.Contains(sign, " t") {
			text += fmt.Sprintf("(the process in %s is stopped)", filepath.Base(path))
		}
	}
	return text
}

// listenerSign is whether somebody listens at a socket, where the system shows that without being connected to.
func listenerSign(path string) string {
	sockets, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return ""
	}
	return fmt.Sprint(bytes.Contains(sockets, []byte(" "+path+"\n")))
}

// essence is a report without what differs from look to look: two reports of the same essence say the same.
func essence(h Health) string {
	var text strings.Builder
	fmt.Fprint(&text, h.Instance, h.Ready, h.Socket, h.Agent)
	for _, access := range h.Access {
		fmt.Fprint(&text, access.Who, access.Found, access.Outcome, ";")
	}
	for _, item := range h.Items {
		fmt.Fprint(&text, item.ID, item.Outcome)
		if item.Outcome != OK && item.ID != "clock" && item.ID != "disk" { // these always move a little
			fmt.Fprint(&text, item.Found)
		}
	}
	for _, step := range h.Drift.Steps {
		fmt.Fprint(&text, step.ID, ";")
	}
	fmt.Fprint(&text, h.Drift.Replace, h.Drift.Blocked != nil)
	if h.Run != nil {
		fmt.Fprint(&text, h.Run.PID)
		if h.Run.Step != nil {
			fmt.Fprint(&text, h.Run.Step.Number)
		}
	}
	return text.String()
}
