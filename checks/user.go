package checks

import "context"

// ordinaryUser checks that this is not root: limactl refuses to run as root.
func ordinaryUser(h Host) Check {
	return Check{
		ID: "host-user", Title: "ordinary user",
		Probe: func(context.Context) Finding {
			uid := h.UID()
			if uid != 0 {
				return ok("uid %d", uid)
			}
			return failed("worldsetup runs as root",
				"Lima refuses to run as root, and VMs belong to the user who makes them",
				"run it as an ordinary user: without sudo, or after `su - NAME`")
		},
	}
}
