package eventdb

import (
	"encoding/binary"
	"fmt"
	"time"
)

// lastSecond is the last second of the year 9999, in Unix time.
const lastSecond = 253402300799

// ParseTime reads the value of an entry as the time it stands for, exactly:
// decimal digits are never taken through a float. It knows what Comets have
// written: seconds since 1970 as Python 2's str(time.time()) ("1395443440.41",
// 12 digits) and Python 3's repr ("1795443440.0018096"), up to nine decimals;
// and, of the days of Comet 1.0, "2014-03-21 23:10:40.123456", which is UTC.
// Anything else, such as a negative number or an exponent, is an error.
func ParseTime(value []byte) (time.Time, error) {
	sec, nsec, _, err := parseTime(value)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(sec, nsec).UTC(), nil
}

// parseTime also returns the number of decimals, and allocates nothing unless
// it fails.
func parseTime(value []byte) (sec, nsec int64, decimals int, err error) {
	rest := value
	if len(value) >= 19 && value[4] == '-' {
		sec, rest, err = parseDate(value)
		if err != nil {
			return 0, 0, 0, err
		}
	} else {
		n := 0
		if len(value) >= 8 {
			if eight, ok := eightDigits(binary.LittleEndian.Uint64(value)); ok {
				sec, n = eight, 8
			}
		}
		for n < len(value) && n < 13 && isDigit(value[n]) {
			sec = sec*10 + int64(value[n]-'0')
			n++
		}
		if n == 0 || sec > lastSecond {
			return 0, 0, 0, badTime(value)
		}
		rest = value[n:]
	}
	if len(rest) == 0 {
		return sec, 0, 0, nil
	}
	if rest[0] != '.' || len(rest) < 2 || len(rest) > 10 {
		return 0, 0, 0, badTime(value)
	}
	rest = rest[1:]
	decimals = len(rest)
	if decimals <= 8 && len(value) >= 8 {
		// The last eight bytes, with zeros in place of what comes before.
		zeros := uint64(1)<<(8*(8-decimals)) - 1
		last := binary.LittleEndian.Uint64(value[len(value)-8:])
		eight, ok := eightDigits(last&^zeros | zeros&eightZeros)
		if !ok {
			return 0, 0, 0, badTime(value)
		}
		return sec, eight * nanoseconds[decimals], decimals, nil
	}
	for _, c := range rest {
		if !isDigit(c) {
			return 0, 0, 0, badTime(value)
		}
		nsec = nsec*10 + int64(c-'0')
	}
	return sec, nsec * nanoseconds[decimals], decimals, nil
}

// nanoseconds is what one unit of the last of so many decimals is worth.
var nanoseconds = [...]int64{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1}

const eightZeros = 0x3030303030303030 // "00000000"

// eightDigits reads eight decimal digits at once, of which the first is in the
// lowest byte, and reports whether that is what they are. It adds neighbours,
// then pairs of them, then the two halves.
func eightDigits(x uint64) (n int64, ok bool) {
	const high = 0xf0f0f0f0f0f0f0f0
	if x&high != eightZeros || (x+0x0606060606060606)&high != eightZeros {
		return 0, false
	}
	x = (x &^ high) * (1<<8*10 + 1) >> 8
	x = x & 0x00ff00ff00ff00ff * (1<<16*100 + 1) >> 16
	return int64(x & 0x0000ffff0000ffff * (1<<32*10000 + 1) >> 32), true
}

// parseDate reads "2014-03-21 23:10:40" off the front of value, as UTC.
func parseDate(value []byte) (sec int64, rest []byte, err error) {
	const layout = "0000-00-00 00:00:00"
	var field [6]int
	f := 0
	for i := range len(layout) {
		switch {
		case layout[i] == '0' && isDigit(value[i]):
			field[f] = field[f]*10 + int(value[i]-'0')
		case layout[i] != '0' && layout[i] == value[i]:
			f++
		default:
			return 0, nil, badTime(value)
		}
	}
	t := time.Date(field[0], time.Month(field[1]), field[2], field[3], field[4], field[5], 0, time.UTC)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if [6]int{year, int(month), day, hour, minute, second} != field || t.Unix() < 0 {
		return 0, nil, badTime(value)
	}
	return t.Unix(), value[len(layout):], nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func badTime(value []byte) error {
	return fmt.Errorf("got the value %s, want a time: seconds since 1970 as in \"1395443440.41\" with at most 9 "+
		"decimals, "+
		"or \"2014-03-21 23:10:40.123456\"", quote(value))
}

// quote shows the start of b, which may be long and anything at all.
func quote(b []byte) string {
	const most = 48
	if len(b) > most {
		return fmt.Sprintf("%q… (%d bytes)", b[:most], len(b))
	}
	return fmt.Sprintf("%q", b)
}
