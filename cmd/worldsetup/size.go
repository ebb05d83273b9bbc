package main

import (
	"github.com/docker/go-units"

	"github.com/atomize-hq/worldsetup/provision"
)

// parseSize reads a number of bytes such as 4GiB, 512MiB or 4G; all units are powers of 1024. Which sizes make sense is
// the Spec's to say.
func parseSize(text string) (int64, error) {
	bytes, err := units.RAMInBytes(text)
	if err != nil || bytes <= 0 { // a number too large for int64 comes out negative on some processors
		return 0, usage("give a size such as 4GiB or 512MiB", "%q is no size that can be had", text)
	}
	return bytes, nil
}

// The two named sizes. The larger one is for building software inside the world.
const (
	sizeDefault = "default"
	sizeDev     = "dev"
)

// setSize asks for a named size.
func setSize(spec *provision.Spec, name string) error {
	factor := 1
	switch name {
	case sizeDefault:
	case sizeDev:
		factor = 2
	default:
		return usage("use --size default or --size dev", "%q is no size", name)
	}
	spec.CPUs = factor * provision.DefaultCPUs
	spec.Memory = int64(factor) * provision.DefaultMemory
	spec.Disk = int64(factor) * provision.DefaultDisk
	return nil
}
