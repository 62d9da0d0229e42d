package author

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cometbench/vtp"
)

// File is a VOEvent that events are made of.
type File struct {
	Name  string // without a folder
	Event []byte
}

// Limits of a payload: it is handed to the author's container, and each of its
// events is tried on a broker beforehand.
const (
	mostFiles = 1000
	mostBytes = 64 << 20
)

// PayloadEnding is how the names of those files of a folder end that are events.
const PayloadEnding = ".xml"

// ReadPayload reads a file, or those files of a folder whose names end in .xml,
// in the order of their names. An error names the file that is no VOEvent, or
// can't be brought to size bytes (0 leaves it as large as it is).
func ReadPayload(path string, size int) ([]File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	names := []string{path}
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		names = nil
		for _, e := range entries {
			if strings.EqualFold(filepath.Ext(e.Name()), PayloadEnding) && !e.IsDir() {
				names = append(names, filepath.Join(path, e.Name()))
			}
		}
	}
	if len(names) == 0 || len(names) > mostFiles {
		return nil, fmt.Errorf("%s holds %d files *%s, want 1 to %d", path, len(names), PayloadEnding, mostFiles)
	}
	var files []File
	total := 0
	for _, name := range names {
		event, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if total += len(event); total > mostBytes {
			return nil, fmt.Errorf("%s: its events have more than %d bytes", path, mostBytes)
		}
		files = append(files, File{filepath.Base(name), event})
	}
	_, err = newTemplates(files, DefaultFrom, time.Now(), size)
	return files, err
}

// PayloadDigest returns 8 hex digits that differ where files, their order or the
// size differ.
func PayloadDigest(files []File, size int) string {
	h := sha256.New()
	fmt.Fprintln(h, size)
	for _, f := range files {
		fmt.Fprintf(h, "%d\n%s", len(f.Event), f.Event)
	}
	return hex.EncodeToString(h.Sum(nil))[:8]
}

// Sizes returns how many bytes the smallest and the largest of an author's events
// have, as they are sent: files are the templates, none is the usual event.
func Sizes(files []File, size int) (smallest, largest int, err error) {
	templates, err := newTemplates(files, DefaultFrom, time.Now(), size)
	for i, t := range templates {
		n := len(t.frame) - vtp.HeaderSize
		if i == 0 || n < smallest {
			smallest = n
		}
		largest = max(largest, n)
	}
	return smallest, largest, err
}

// template is the frame of an event, in which its number and its date are written.
type template struct {
	frame        []byte
	number, date int // where these stand; no date is 0
	stride       int // from one character to the next
}

// newTemplates makes the frames that an author's events are made of: of files, or
// of the usual event if there are none. Their IVOIDs are from the author, however
// the files name theirs, and end in a number of zeros: brokers keep a database for
// each author. An error names the file.
func newTemplates(files []File, from string, now time.Time, size int) ([]template, error) {
	if len(files) == 0 {
		files = []File{{"", usualEvent(from)}}
	}
	ivoid := from + seriesName(now) + zeros
	var templates []template
	for _, f := range files {
		edited, err := vtp.Edit{IVOID: ivoid, Date: now.UTC().Format(vtp.DateLayout), Size: size}.Apply(f.Event)
		if err == nil && len(edited.Event) > vtp.MaxPayload {
			err = fmt.Errorf("it has %d bytes, want at most %d", len(edited.Event), vtp.MaxPayload)
		}
		if err != nil && f.Name != "" {
			err = &fs.PathError{Op: "payload", Path: f.Name, Err: err}
		}
		if err != nil {
			return nil, err
		}
		t := template{frame: vtp.AppendFrame(nil, edited.Event), stride: edited.Stride}
		t.number = vtp.HeaderSize + edited.IVOID + (len(ivoid)-len(zeros))*t.stride
		if edited.Date > 0 {
			t.date = vtp.HeaderSize + edited.Date
		}
		templates = append(templates, t)
	}
	return templates, nil
}

// usualEvent is what an author sends that has no files.
func usualEvent(from string) []byte {
	return vtp.Event{
		IVOID: from + "#", AuthorIVOID: from, Role: vtp.Test, Date: time.Unix(0, 0),
		Description: "An event of cometbench, a benchmark of VOEvent brokers. It stands for nothing.",
	}.Append(nil)
}

// write writes a text over the one of a frame that stands at a place.
func (t *template) write(frame []byte, at int, text []byte) {
	if t.stride == 1 {
		copy(frame[at:], text)
		return
	}
	for i, c := range text {
		frame[at+i*t.stride] = c
	}
}

// ParseSize reads a number of bytes: "10kB", "64KiB", "1000".
func ParseSize(s string) (int, error) {
	digits := strings.TrimRight(s, "BMKik")
	factor, known := map[string]int{
		"": 1, "B": 1, "kB": 1000, "KiB": 1 << 10, "MB": 1000 * 1000, "MiB": 1 << 20,
	}[s[len(digits):]]
	n, err := strconv.Atoi(digits)
	if err != nil || !known || n < 1 || n > vtp.MaxPayload/factor {
		return 0, fmt.Errorf("%q: want bytes up to 1MiB, such as 10kB", s)
	}
	return n * factor, nil
}
