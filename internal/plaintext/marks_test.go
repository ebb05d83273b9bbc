package plaintext

import "testing"

// A file is shown as ls shows it.
func TestMode(t *testing.T) {
	for _, test := range []struct{ kind, mode, want string }{
		{"socket", "0660", "srw-rw----"}, {"socket", "666", "srw-rw-rw-"}, {"regular file", "644", "-rw-r--r--"},
		{"regular empty file", "600", "-rw-------"}, {"directory", "1777", "drwxrwxrwx"}, {"fifo", "0", "p---------"},
		{"symbolic link", "777", "lrwxrwxrwx"}, {"weird file", "700", "?rwx------"}, {"socket", "x", "socket x"},
	} {
		if got := Mode(test.kind, test.mode); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.kind, test.mode, got, test.want)
		}
	}
}
