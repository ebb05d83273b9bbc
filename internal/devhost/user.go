package devhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// madeUser is the name of the ordinary user that a root account gets.
const madeUser = "worldsetup"

// User is the account that Lima runs as.
type User struct {
	Name   string
	Home   string
	UID    uint32
	GID    uint32
	Groups []uint32
	Made   bool // one of ours, made because root may not run Lima
}

// ordinaryUser is the current user or, for root, one that is made when it does not exist yet.
func (h *Host) ordinaryUser(ctx context.Context) (User, error) {
	if os.Geteuid() != 0 {
		u, err := user.Current()
		if err != nil {
			return User{}, fmt.Errorf("find the current user: %w", err)
		}
		return fromAccount(u, false)
	}
	u, err := user.Lookup(madeUser)
	if _, ok := errors.AsType[user.UnknownUserError](err); ok {
		h.logf("user: making %s, since Lima refuses to run as root", madeUser)
		if err := h.makeUser(ctx); err != nil {
			return User{}, err
		}
		u, err = user.Lookup(madeUser)
	}
	if err != nil {
		return User{}, fmt.Errorf("find the user %s: %w", madeUser, err)
	}
	return fromAccount(u, true)
}

// makeUser adds an account without a password, in the group that owns /dev/kvm where there is one.
func (h *Host) makeUser(ctx context.Context) error {
	args := []string{"--create-home", "--home-dir", "/home/" + madeUser, "--shell", "/bin/bash",
		"--key", "HOME_MODE=0750"}
	if _, err := user.LookupGroup("kvm"); err == nil {
		args = append(args, "--groups", "kvm")
	}
	if err := h.run(exec.CommandContext(ctx, "useradd", append(args, madeUser)...)); err != nil {
		return fmt.Errorf("make the user %s: %w", madeUser, err)
	}
	return nil
}

func fromAccount(u *user.User, made bool) (User, error) {
	ids, err := u.GroupIds()
	if err != nil {
		return User{}, fmt.Errorf("find the groups of %s: %w", u.Username, err)
	}
	groups := make([]uint32, 0, len(ids))
	for _, id := range append([]string{u.Uid, u.Gid}, ids...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return User{}, fmt.Errorf("the user %s has the id %q, which is no number: %w", u.Username, id, err)
		}
		groups = append(groups, uint32(n))
	}
	return User{Name: u.Username, Home: u.HomeDir, UID: groups[0], GID: groups[1], Groups: groups[2:], Made: made}, nil
}

// sysProcAttr makes a child run as the user. Only root may switch, and for the current user there is nothing to switch.
func (u User) sysProcAttr() *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}}
}

// environ is the user's environment. XDG_RUNTIME_DIR is left out: it would name a folder of another user or session.
func (u User) environ(path string, lookup func(string) (string, bool)) []string {
	env := []string{"HOME=" + u.Home, "USER=" + u.Name, "LOGNAME=" + u.Name, "SHELL=/bin/bash",
		"PATH=" + path, "LANG=C.UTF-8"}
	for _, name := range []string{
		"TERM", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY",
		"NO_PROXY", "ALL_PROXY",
	} {
		if value, ok := lookup(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
