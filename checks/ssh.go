package checks

import "context"

// sshClient checks that there is an ssh client: Lima and worldsetup both reach the guest through it.
func sshClient(h Host) Check {
	return Check{
		ID: "ssh-client", Title: "ssh client",
		Probe: func(context.Context) Finding {
			path, err := h.Find("ssh")
			if err == nil {
				return ok("%s", path)
			}
			if h.OS == "darwin" {
				return failed("there is no ssh client", err.Error(), "have /usr/bin, where macOS keeps it, in PATH: export PATH=/usr/bin:$PATH")
			}
			return h.missing("there is no ssh client", err.Error(), sshPackages)
		},
	}
}
