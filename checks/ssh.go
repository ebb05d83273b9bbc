package checks

import (
	"context"
	"os/exec"
	"runtime"
)

// SSHClient checks that there is an ssh client: Lima and worldsetup both reach the guest through it.
func SSHClient() Check { return sshClient(exec.LookPath, runtime.GOOS) }

func sshClient(find lookPath, goos string) Check {
	return Check{
		ID: "ssh-client", Title: "ssh client",
		Probe: func(context.Context) Finding {
			path, err := find("ssh")
			if err == nil {
				return ok("%s", path)
			}
			next := "have /usr/bin, where macOS keeps it, in PATH: export PATH=/usr/bin:$PATH"
			if goos != "darwin" {
				next = installPackages(find, goos, sshPackages)
			}
			return failed("there is no ssh client", err.Error(), next)
		},
	}
}
