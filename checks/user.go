package checks

import (
	"context"
	"os"
)

// User checks that this is not root: limactl refuses to run as root.
func User() Check { return user(os.Geteuid) }

func user(geteuid func() int) Check {
	return Check{
		ID: "host-user", Title: "ordinary user",
		Probe: func(context.Context) Finding {
			uid := geteuid()
			if uid != 0 {
				return ok("uid %d", uid)
			}
			return failed("worldsetup runs as root",
				"Lima refuses to run as root, and VMs belong to the user who makes them",
				"run it as an ordinary user: without sudo, or after `su - NAME`")
		},
	}
}
