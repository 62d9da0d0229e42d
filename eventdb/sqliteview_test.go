package eventdb

import (
	"encoding/binary"
	"strings"
	"testing"
)

// TestSQLiteCommit changes the size of the database that the log's last commit
// gives.
func TestSQLiteCommit(t *testing.T) {
	main, wal := gunzip(t, "testdata/wal/_test.gz"), gunzip(t, "testdata/wal/_test-wal.gz")
	be := binary.BigEndian
	frame := walFrameHeader + int(be.Uint32(wal[8:]))
	frames := (len(wal) - walHeader) / frame
	last := -1
	for i := range frames {
		if f := wal[walHeader+i*frame:]; [8]byte(f[8:]) == [8]byte(wal[16:]) && be.Uint32(f[4:]) != 0 {
			last = i
		}
	}
	if last < 1 {
		t.Fatal("no commit in the log")
	}
	for _, c := range []struct {
		pages uint32
		want  string
	}{
		{be.Uint32(wal[walHeader+last*frame+4:]), ""},
		{uint32(len(main)/(frame-walFrameHeader) + last + 3), "at most"},
		{0xfffffffe, "at most"},
	} {
		f := wal[walHeader+last*frame:][:frame]
		before := wal[walHeader+(last-1)*frame:]
		be.PutUint32(f[4:], c.pages)
		sum := walSum{order: binary.LittleEndian, a: be.Uint32(before[16:]), b: be.Uint32(before[20:])}
		if wal[3]&1 != 0 {
			sum.order = be
		}
		sum.add(f[:8])
		sum.add(f[walFrameHeader:])
		be.PutUint32(f[16:], sum.a)
		be.PutUint32(f[20:], sum.b)
		// What comes behind follows from another sum.
		r, err := newSQLiteOf(main, wal[:walHeader+(last+1)*frame])
		if err != nil {
			t.Fatal(err)
		}
		err = walk(r, func(Entry) bool { return true })
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%d pages: %v, want %q", c.pages, err, c.want)
		}
	}
}
