package checks

import "context"

// virtiofsdPlaces are where Linux distributions keep it, out of PATH; Lima looks there too (its qemu driver).
var virtiofsdPlaces = []string{"virtiofsd", "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd", "/usr/lib/qemu/virtiofsd"}

// virtiofsd checks that QEMU's server for mounts by virtiofs is there.
func virtiofsd(h Host) Check {
	return Check{
		ID: "virtiofsd", Title: "virtiofsd",
		Probe: func(context.Context) Finding {
			var err error
			for _, place := range virtiofsdPlaces {
				var path string
				if path, err = h.Find(place); err == nil {
					return ok("%s", path)
				}
			}
			finding := h.missing("virtiofsd is not installed", "mounts by virtiofs were asked for, and QEMU has them from virtiofsd", virtiofsdPackages)
			finding.Problem.Next += "; or mount another way: --mount-type reverse-sshfs"
			return finding
		},
	}
}
