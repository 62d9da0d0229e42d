package embedded

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"cometbench/vtp"
)

// TestKeepOpen: a broker answers events on one connection as long as the author
// sends them, if it is told to, and closes after the first if not.
func TestKeepOpen(t *testing.T) {
	for _, keep := range []bool{false, true} {
		b, err := Listen(Config{Receive: "127.0.0.1:0", Broadcast: "127.0.0.1:0", EventDB: t.TempDir(), KeepOpen: keep})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Serve(ctx) }()
		c, err := net.Dial("tcp", b.ReceiveAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			event := vtp.Event{IVOID: fmt.Sprintf("ivo://a.b/c#%d", i), Role: vtp.Test}.Append(nil)
			c.Write(vtp.AppendFrame(nil, event))
			reply, err := vtp.ReadFrame(c, nil)
			if i > 0 && !keep {
				if err == nil {
					t.Errorf("event %d has an answer", i)
				}
				break
			}
			if head, headErr := vtp.ParseHead(reply); err != nil || headErr != nil || head.Role != vtp.Ack {
				t.Errorf("event %d: got %s, %v", i, reply, err)
			}
			if i == 0 && !keep {
				if _, err := vtp.ReadFrame(c, nil); err != io.EOF {
					t.Errorf("the connection isn't closed: %v", err)
				}
			}
		}
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
