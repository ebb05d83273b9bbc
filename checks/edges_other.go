//go:build !linux

package checks

import "errors"

func kvm(string) error { return errors.ErrUnsupported }
func inotify() error   { return errors.ErrUnsupported }
func nfs(string) bool  { return false } // nor does Lima look
