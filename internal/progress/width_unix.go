//go:build unix

package progress

import (
	"os"

	"golang.org/x/sys/unix"
)

// width returns how many columns a terminal has (tty_ioctl(4)).
func width(tty *os.File) int {
	size, err := unix.IoctlGetWinsize(int(tty.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return columns
	}
	return int(size.Col)
}
