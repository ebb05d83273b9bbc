package plaintext

import "fmt"

// Bytes writes a number of bytes as a person would: with no more digits than matter, in units of 1024.
func Bytes(n int64) string {
	value, unit := float64(n), 0
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	for value >= 1024 && unit+1 < len(units) {
		value, unit = value/1024, unit+1
	}
	if unit == 0 || value >= 10 || value == float64(int64(value)) {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
