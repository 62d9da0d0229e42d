package vtp

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

const (
	newIVOID = "ivo://comet.broker/test#1"
	newDate  = "2026-01-02T03:04:05.000006"
)

// inUTF16 encodes a text, with a mark if wanted.
func inUTF16(text string, big, mark bool) []byte {
	var out []byte
	units := utf16.Encode([]rune(text))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	for _, u := range units {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

// samples are events of many kinds, with their IVOID and date in brackets, which
// aren't part of them.
func samples() map[string]func(ivoid, date string) []byte {
	event := func(declaration, before, quote, text string) func(ivoid, date string) string {
		return func(ivoid, date string) string {
			return declaration + before + "<v:VOEvent xmlns:v='" + eventSpace +
				"' role='test' version='2.0'\n  ivorn = " + quote + ivoid + quote +
				" ><Other><Date>no</Date></Other><Who><!-- <Date>no</Date> --><AuthorIVORN>ivo://a.b/c</AuthorIVORN>" +
				"<Author><Date>no</Date></Author><Date >" + date + "</Date><Date>no</Date></Who>" +
				"<What><Description>" + text + "</Description></What></v:VOEvent>\n<!-- </VOEvent> -->\n"
		}
	}
	plain := func(f func(ivoid, date string) string) func(ivoid, date string) []byte {
		return func(ivoid, date string) []byte { return []byte(f(ivoid, date)) }
	}
	wide := func(f func(ivoid, date string) string, big, mark bool) func(ivoid, date string) []byte {
		return func(ivoid, date string) []byte { return inUTF16(f(ivoid, date), big, mark) }
	}
	comment := "<!-- ivorn='ivo://no/no#no' -->\n"
	cdata := "<![CDATA[<Who><Date>no</Date></Who>]]> &amp; &#x41; \u00e9\u4e2d\U0001f52d"
	return map[string]func(ivoid, date string) []byte{
		"plain":           plain(event("", "", `"`, "x")),
		"comment, CDATA":  plain(event("<?xml version='1.0' encoding='UTF-8'?>\n", comment, "'", cdata)),
		"mark":            plain(event("\ufeff<?xml version='1.0'?>", "", "'", cdata)),
		"document type":   plain(event("", "<!DOCTYPE VOEvent SYSTEM 'x'>", "'", "x")),
		"ISO-8859-1":      plain(event("<?xml version='1.0' encoding='ISO-8859-1'?>", "<!--\xe9-->", "'", "\xe9\xff")),
		"ASCII":           plain(event("<?xml version='1.0' encoding='US-ASCII'?>", "", "'", "x")),
		"UTF-16, LE":      wide(event("<?xml version='1.0' encoding='UTF-16'?>", comment, "'", cdata), false, true),
		"UTF-16, BE":      wide(event("<?xml version='1.0' encoding='UTF-16'?>", comment, `"`, cdata), true, true),
		"UTF-16, no mark": wide(event("<?xml version='1.0' encoding='UTF-16LE'?>", "", `"`, cdata), false, false),
	}
}

// TestEdit: an edited event is, byte for byte, the one that was written with the
// new IVOID and date, and edited back it is what it was.
func TestEdit(t *testing.T) {
	const ivoid, date = "ivo://gaia.cam.uk/alerts&amp;x#Gaia16aac", "2016-10-12T13:26:49"
	for name, write := range samples() {
		got, err := Edit{IVOID: newIVOID, Date: newDate}.Apply(write(ivoid, date))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := write(newIVOID, newDate); !bytes.Equal(got.Event, want) {
			t.Errorf("%s: got\n%q\nwant\n%q", name, got.Event, want)
		}
		for i, c := range []byte(newIVOID) {
			if got.Event[got.IVOID+i*got.Stride] != c {
				t.Fatalf("%s: the IVOID isn't where it should be", name)
			}
		}
		for i, c := range []byte(newDate) {
			if got.Event[got.Date+i*got.Stride] != c {
				t.Fatalf("%s: the date isn't where it should be", name)
			}
		}
		head, err := ParseHead(got.Event)
		if err != nil || string(head.IVOID) != newIVOID {
			t.Errorf("%s: got IVOID %s, %v", name, head.IVOID, err)
		}
		back, err := Edit{IVOID: ivoid, Date: date}.Apply(got.Event)
		if err != nil || !bytes.Equal(back.Event, write(ivoid, date)) {
			t.Errorf("%s: edited back, it is\n%q, %v", name, back.Event, err)
		}
	}
}

// TestEditSize: an event has the size that is asked for, is well-formed, and is
// without the padding what it is without a size.
func TestEditSize(t *testing.T) {
	for name, write := range samples() {
		plain, err := Edit{IVOID: newIVOID, Date: newDate}.Apply(write("ivo://a.b/c#d", "now"))
		if err != nil {
			t.Fatal(err)
		}
		for _, more := range []int{0, 1, 6, 7, 8, 100, 10_000} {
			size := len(plain.Event) + more*plain.Stride
			got, err := Edit{IVOID: newIVOID, Date: newDate, Size: size}.Apply(write("ivo://a.b/c#d", "now"))
			if err != nil || len(got.Event) != size {
				t.Errorf("%s: got %d bytes, %v, want %d", name, len(got.Event), err, size)
				continue
			}
			if _, err := ParseHead(got.Event); err != nil {
				t.Errorf("%s: with %d bytes: %v", name, size, err)
			}
			same := 0
			for same < len(plain.Event) && plain.Event[same] == got.Event[same] {
				same++
			}
			if !bytes.Equal(plain.Event[same:], got.Event[same+more*plain.Stride:]) {
				t.Errorf("%s: padding of %d changes what is behind it", name, more)
			}
		}
		if _, err := (Edit{IVOID: newIVOID, Date: newDate, Size: 10}).Apply(plain.Event); err == nil {
			t.Errorf("%s: got no error for a size of 10", name)
		}
	}
}

// TestEditField: real events of all versions keep all that isn't IVOID or date.
func TestEditField(t *testing.T) {
	files, err := filepath.Glob("testdata/voevent/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		event, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Edit{IVOID: newIVOID, Date: newDate}.Apply(event)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		// Each is in ASCII or UTF-8: the changed parts can be cut out.
		cut := func(text []byte, ivoid, date string) string {
			s := string(text)
			for _, part := range []string{`ivorn="` + ivoid, "<Date>" + date + "<"} {
				if strings.Count(s, part) != 1 {
					t.Fatalf("%s: %d times %s", file, strings.Count(s, part), part)
				}
				s = strings.Replace(s, part, "", 1)
			}
			return s
		}
		between := func(begin, end string) string {
			_, rest, _ := strings.Cut(string(event), begin)
			value, _, _ := strings.Cut(rest, end)
			return value
		}
		ivoid, date := between(`ivorn="`, `"`), between("<Date>", "</Date>")
		if cut(event, ivoid, date) != cut(got.Event, newIVOID, newDate) {
			t.Errorf("%s: other bytes have changed", file)
		}
	}
}

func TestEditRefused(t *testing.T) {
	for _, tt := range []struct{ event, want string }{
		{"", "malformed"},
		{"<VOEvent>", "malformed"},
		{"<VOEvent/>", "no IVOID"},
		{"<VOEvent ivorn=''/>", "no IVOID"},
		{"<Transport ivorn='ivo://a.b/c#d'/>", "want VOEvent"},
		{"<VOEvent ivorn='ivo://a.b/c#d'/>", "root element is empty"},
		{"<!DOCTYPE x [<!ENTITY e 'f'>]><VOEvent ivorn='x'>&e;</VOEvent>", "malformed"},
	} {
		got, err := Edit{IVOID: newIVOID, Date: newDate, Size: 1000}.Apply([]byte(tt.event))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %+v, %v, want %q", tt.event, got, err, tt.want)
		}
	}
}

// FuzzEdit: whatever is edited without an error has the new IVOID, and no byte
// besides was changed.
func FuzzEdit(f *testing.F) {
	for _, write := range samples() {
		f.Add(write("ivo://a.b/c#d", "now"))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		got, err := Edit{IVOID: newIVOID, Date: newDate}.Apply(event)
		if err != nil {
			return
		}
		again, err := Edit{IVOID: newIVOID, Date: newDate}.Apply(got.Event)
		if err != nil || !bytes.Equal(again.Event, got.Event) {
			t.Fatalf("edited again it is %q, %v, not %q", again.Event, err, got.Event)
		}
		head, _ := ParseHead(got.Event)
		if head.Kind == KindEvent && string(head.IVOID) != newIVOID {
			t.Fatalf("got IVOID %q", head.IVOID)
		}
		sized, err := Edit{IVOID: newIVOID, Date: newDate, Size: len(got.Event) + 100}.Apply(event)
		if err == nil && len(sized.Event) != len(got.Event)+100 {
			t.Fatalf("got %d bytes, want %d", len(sized.Event), len(got.Event)+100)
		}
	})
}
