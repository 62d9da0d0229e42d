package author

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"cometbench/vtp"
)

const anEvent = `<v:VOEvent xmlns:v="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test" ` +
	`ivorn='ivo://gaia/alerts#1'><Who><Date>2016-10-12</Date></Who></v:VOEvent>`

// wideEvent is an event in UTF-16.
func wideEvent() []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune("\ufeff<?xml version='1.0' encoding='UTF-16'?><!-- \u00e9 -->" + anEvent)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// TestPayload: events are made of the files in turn, each with an IVOID and a date
// of its own, and all other bytes are the file's.
func TestPayload(t *testing.T) {
	files := []File{
		{"plain", []byte(anEvent)},
		{"wide", wideEvent()},
		{"undated", []byte(strings.Replace(anEvent, "Date", "Data", 2))},
	}
	for _, size := range []int{0, 4000} {
		const n = 20
		now := time.Unix(1, 0)
		e, err := newEvents(Config{From: DefaultFrom, Payload: files, Size: size}, now, n)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		var frame []byte
		for i := range n {
			frame = e.frame(frame, i)
			payload := frame[vtp.HeaderSize:]
			head, err := vtp.ParseHead(payload)
			if err != nil || !e.is(i, head.IVOID) || string(vtp.AuthorOf(head.IVOID)) != "comet.broker/test" {
				t.Fatalf("event %d: %s, %v", i, head.IVOID, err)
			}
			seen[string(head.IVOID)] = true
			if size > 0 && len(payload) != size {
				t.Errorf("event %d has %d bytes, want %d", i, len(payload), size)
			}
			date := now.UTC().Add(time.Duration(i) * time.Microsecond).Format(vtp.DateLayout)
			want, err := vtp.Edit{IVOID: string(head.IVOID), Date: date, Size: size}.Apply(files[i%3].Event)
			if err != nil || !bytes.Equal(payload, want.Event) {
				t.Errorf("event %d: got\n%q\nwant, %v,\n%q", i, payload, err, want.Event)
			}
		}
		if len(seen) != n {
			t.Errorf("got %d IVOIDs of %d events", len(seen), n)
		}
	}
}

// TestSendPayload: a broker gets what was read, and acks all.
func TestSendPayload(t *testing.T) {
	files := []File{{"plain", []byte(anEvent)}, {"wide", wideEvent()}}
	addr := serve(t, answering(func(ivoid string) []byte { return ack(ivoid) }))
	r, err := Run(t.Context(), Config{Addr: addr, Conns: 3, Events: 50, Payload: files, Size: 100_000})
	if err != nil || r.Acked != 50 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestReadPayload(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.xml": anEvent, "a.XML": anEvent, "c.txt": "no event", "one": anEvent, "bad/x.xml": "<VOEvent>", "none/x": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := ReadPayload(dir, 0)
	if err != nil || len(files) != 2 || files[0].Name != "a.XML" || files[1].Name != "b.xml" {
		t.Errorf("got %v, %v", files, err)
	}
	if files, err = ReadPayload(filepath.Join(dir, "one"), 300); err != nil || len(files) != 1 {
		t.Errorf("got %v, %v", files, err)
	}
	for _, tt := range []struct {
		name string
		size int
		want string
	}{
		{"one", 20, "payload one: it has"},
		{"one", vtp.MaxPayload + 1, "payload one: it has 1048577 bytes, want at most 1048576"},
		{"c.txt", 0, "payload c.txt: malformed"},
		{"bad", 0, "payload x.xml: malformed"},
		{"none", 0, "holds 0 files *.xml"},
		{"nowhere", 0, "no such file"},
	} {
		_, err := ReadPayload(filepath.Join(dir, tt.name), tt.size)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if PayloadDigest(files, 0) == PayloadDigest(files, 1) || PayloadDigest(files, 0) == PayloadDigest(nil, 0) {
		t.Error("different payloads have one digest")
	}
}

// TestTry: the file that a broker refuses is named, with the broker's words.
func TestTry(t *testing.T) {
	files := []File{{"good.xml", []byte(anEvent)}, {"bad.xml", wideEvent()}}
	sent := 0
	refusing := serve(t, func(c net.Conn) {
		payload, err := vtp.ReadFrame(c, nil)
		if err != nil {
			return
		}
		head, _ := vtp.ParseHead(payload)
		if !strings.HasPrefix(string(head.IVOID), ProbeFrom+"#") {
			t.Errorf("got IVOID %s, want one of probes", head.IVOID)
		}
		answer := vtp.Transport{Role: vtp.Ack, Origin: string(head.IVOID), Response: "ivo://b/c", TimeStamp: time.Now()}
		if sent++; sent == 2 {
			answer.Role, answer.Result = vtp.Nak, "Schema\n validation failed"
		}
		c.Write(vtp.AppendFrame(alive(""), answer.Append(nil)))
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := Try(ctx, refusing, files, 0)
	if want := "payload bad.xml: the broker refuses it: Schema validation failed"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	closing := serve(t, func(c net.Conn) { vtp.ReadFrame(c, nil) })
	if err := Try(ctx, closing, files, 0); err == nil || !strings.Contains(err.Error(), "without an answer") {
		t.Errorf("got %v", err)
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int{
		"1000": 1000, "700B": 700, "10kB": 10_000, "2KiB": 2048, "1MB": 1e6, "1MiB": 1 << 20,
	} {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "kB", "0", "-1kB", "10 kB", "2MiB", "1GB", "1.5kB", "99999999999999999999kB"} {
		if got, err := ParseSize(s); err == nil {
			t.Errorf("%s: got %d", s, got)
		}
	}
}
