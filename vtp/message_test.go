package vtp

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWrittenMessages: what is written here is read here.
func TestWrittenMessages(t *testing.T) {
	date := time.Date(2014, 3, 21, 23, 10, 40, 123456000, time.UTC)
	e := Event{IVOID: "ivo://comet.broker/test#a-1", AuthorIVOID: "ivo://comet.broker/test",
		Date: date, Description: "a <b> & c"}
	for _, role := range []Role{"", Observation, Prediction, Utility, Test} {
		e.Role = role
		want := role
		if role == "" {
			want = Observation
		}
		h, err := ParseHead(e.Append(nil))
		if err != nil || h.Kind != KindEvent || h.Role != want || string(h.IVOID) != e.IVOID || h.Origin != nil {
			t.Errorf("got %+v, %v, want that of %+v", h, err, e)
		}
	}
	for _, role := range []Role{IAmAlive, Authenticate, Ack, Nak} {
		for _, origin := range []string{"", "ivo://a/b#1", "ivo://a/b#'&<>\"1"} {
			m := Transport{Role: role, Origin: origin, Response: "ivo://c/d", TimeStamp: date, Result: "x < y"}
			h, err := ParseHead(m.Append(nil))
			if err != nil || h.Kind != KindTransport || h.Role != role || string(h.Origin) != origin || h.IVOID != nil {
				t.Errorf("got %+v, %v, want that of %+v", h, err, m)
			}
		}
	}
}

// TestParseHead: packets from the field, and what XML says of their kind.
func TestParseHead(t *testing.T) {
	const event = `<v:VOEvent xmlns:v="http://www.ivoa.net/xml/VOEvent/v2.0" ` +
		`version="2.0" ivorn="ivo://a.b/c#d" role="test"/>`
	edit := func(old, new string) string { return strings.Replace(event, old, new, 1) }
	utf16 := func(text string) string {
		var b strings.Builder
		for _, c := range text {
			b.WriteString("\x00" + string(c))
		}
		return b.String()
	}
	for _, tt := range []struct{ name, message, err string }{
		{"plain", event, ""},
		{"no role", edit(` role="test"`, ""), ""},
		{"empty role", edit(`role="test"`, `role=""`), `an event: got role ""`},
		{"unknown role", edit(`role="test"`, `role="ack"`), `an event: got role "ack"`},
		{"no IVOID", edit(` ivorn="ivo://a.b/c#d"`, ""), "IVOID"},
		{"byte order mark", "\ufeff" + event, ""},
		{"byte order mark and declaration", "\ufeff<?xml version='1.0' encoding='utf-8'?>" + event, ""},
		{"blanks around =", "<?xml version = '1.0' encoding\n=\t'ISO-8859-1' standalone = 'no' ?><!-- \xe9 -->" + event, ""},
		{"US-ASCII beyond ASCII", "<?xml version='1.0' encoding='us-ascii'?><!-- \xe9 -->" + event,
			"byte 0xe9 isn't in encoding"},
		{"UTF-16", "\xfe\xff" + utf16("<?xml version='1.0' encoding='UTF-16'?>"+event), ""},
		{"UTF-16 without a mark", utf16("<?xml version='1.0' encoding='UTF-16BE'?>" + event), ""},
		{"UTF-16 called UTF-8", "\xfe\xff" + utf16("<?xml version='1.0' encoding='UTF-8'?>"+event), "those of another"},
		{"half a character", "\xfe\xff" + utf16(event) + "\x00", "half a character"},
		{"other encoding", "<?xml version='1.0' encoding='KOI8-R'?>" + event, `got encoding "KOI8-R", want`},
		{"newline before the declaration", "\n<?xml version='1.0'?>" + event, "xml is one at the start only"},
		{"declaration without a version", "<?xml encoding='UTF-8'?>" + event, "version"},
		{"no document", "", "the document ends"},
		{"two documents", event + event, "nothing but comments"},
		{"document type", "<!DOCTYPE v:VOEvent SYSTEM 'x'>" + event, ""},
		{"document type with declarations", "<!DOCTYPE v [<!ENTITY a 'b'>]>" + event, "its own declarations"},
		{"entity", edit("c#d", "c#&d;"), "a reference"},
		{"reference", edit("c#d", "c#&#x64;"), ""},
		{"undeclared prefix", edit("<v:", "<w:"), "isn't declared"},
		{"prefix declared elsewhere", strings.Replace(event, "/>", "><a xmlns:b='c'/><b:d/></v:VOEvent>", 1),
			`"b:d": its prefix isn't declared`},
		{"attribute twice", edit(`role="test"`, `role="test" role="test"`), "twice"},
		{"attributes without a space", edit(`" role`, `"role`), "a space"},
		{"deep", edit("/>", ">"+strings.Repeat("<a>", maxDepth)), "more than 256 elements"},
		{"many name spaces",
			edit("/>", ">"+strings.Repeat("<a xmlns='b'>", 200)+"<c "+manyAttributes(100, "xmlns:a%d='b'")+"/>"),
			"more than 256 name spaces"},
		{"many attributes", edit("/>", " "+manyAttributes(300, "a%d=''")+"/>"), "more than 256 attributes"},
	} {
		h, err := ParseHead([]byte(tt.message))
		switch {
		case tt.err == "" && (err != nil || string(h.IVOID) != "ivo://a.b/c#d"):
			t.Errorf("%s: got %q, %v", tt.name, h.IVOID, err)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.err)
		}
	}
}

func manyAttributes(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+" ", i)
	}
	return b.String()
}

// TestFieldPackets reads packets as they were on real networks, and frames that
// an outsider sent.
func TestFieldPackets(t *testing.T) {
	refused := map[string]string{
		"SWIFT_xrt_position_v1.1_example.xml": "got name space \"http://www.ivoa.net/xml/VOEvent/v1.1\"",
		"gbm_flt_pos.xml":                     "got name space \"http://www.ivoa.net/xml/VOEvent/v1.1\"",
		"ivoa-2.1-voevent-ex1.xml":            "got name space \"http://www.ivoa.net/xml/VOEvent/v2.1\"",
		"no_namespace_packet.xml":             "got name space \"\"",
		"06-newline-decl.frame":               "malformed",
	}
	for path, packet := range packets(t) {
		name := filepath.Base(path)
		h, err := ParseHead(packet)
		want := refused[name]
		if want == "" && (err != nil || h.Kind != KindEvent || len(h.IVOID) == 0) ||
			want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %+v, %v, want %q", name, h, err, want)
		}
		if want != "" && want != "malformed" && (h.Kind != KindEvent || len(h.IVOID) == 0) {
			t.Errorf("%s: got %+v: want the IVOID, for a nak", name, h)
		}
	}
}

// packets returns the payloads in testdata, by path.
func packets(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*.*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d packets in testdata, %v", len(paths), err)
	}
	all := make(map[string][]byte)
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(path) == ".frame" {
			b = b[HeaderSize:]
		}
		all[path] = b
	}
	return all
}

func BenchmarkParseHead(b *testing.B) {
	event := documents(b)[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseHead(event); err != nil {
			b.Fatal(err)
		}
	}
}
