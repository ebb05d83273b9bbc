package guest

import "os"

// heldInput is a standard input that has nothing to read and does not end before stop is called.
func heldInput() (input *os.File, stop func(), err error) {
	input, output, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return input, func() { output.Close(); input.Close() }, nil
}
