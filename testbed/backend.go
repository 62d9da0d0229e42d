package testbed

import (
	"context"
	"errors"
	"io"
)

// The roles of an experiment. A backend treats two of them in their own way:
// the broker may get a processor to itself, and the author has many
// connections and, where it is to be delayed, a network of its own.
const (
	Broker     = "broker"
	Subscriber = "subscriber"
	Author     = "author"
)

// ErrChanging is the error of a copy of files that were being written: a page of
// a database may be half of one state and half of another, and look well.
var ErrChanging = errors.New("files changed while they were read")

// ErrFull is the error of a copy from a folder in which there is no more room:
// what its role has written last may be missing.
var ErrFull = errors.New("its folder in memory is full")

// Backend is where the roles of one experiment run: containers of an engine, or
// processes of this machine. Closing it is right at any time, also after a
// start that failed.
//
// Methods that take a context end with it. Errors name the role, and carry the
// tail of its log where it has one.
type Backend interface {
	// Start starts a role. It doesn't wait for readiness.
	Start(ctx context.Context, r Role) (Process, error)

	// Host is what a role is to listen on: loopback where the roles share a
	// network with the machine, "" (all addresses) where they don't.
	Host() string

	// Died delivers an error when a role has ended although nobody stopped it.
	Died() <-chan error

	// Close ends all roles, and removes all that the backend has made.
	Close(ctx context.Context) error
}

// Process is a role that was started.
type Process interface {
	// Address is where it is.
	Address() Address

	// Line returns the next line of its standard output.
	Line(ctx context.Context) ([]byte, error)

	// Run runs our command with args beside the role, to its end: in the
	// role's network and, where the role is our command too, in its folder. A
	// nil stdin is empty; another one ends its reads when the context does.
	Run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args ...string) error

	// CopyOut copies the files of the role's folder into the folder dir of this
	// machine. The error is ErrChanging where one was seen to change meanwhile,
	// and ErrFull where the role may have been unable to write.
	CopyOut(ctx context.Context, dir string) error

	// Log writes what the role has logged to [LogFile] so far, in parts of any order;
	// nothing if it is our command.
	Log(ctx context.Context, w io.Writer) error
	// Stop ends the role with SIGTERM, and waits for its end. Only this role's
	// end is expected then.
	Stop(ctx context.Context) error
}

// Role is a program to be started. Its working directory is an empty folder of
// its own, in memory.
type Role struct {
	// Name names the role in errors.
	Name string
	// Image is the image that a container is made of, "" for our own command.
	Image string
	// Command is what runs in Image, where it logs to [LogFile]; none is what
	// the image runs by itself. Without an Image it is a subcommand of ours
	// with its flags, to which are added those that bound its life.
	Command []string
	// Beside is the role whose network this one shares, and whose processes it
	// sees unless it delays; nil gives it its own.
	Beside Process
	// Delays gives a role the right to delay packets, and the first claim to a
	// processor.
	Delays bool
	// Threads is how many threads the role needs at most; 0 is 256.
	Threads int
}

// Address is where a role is.
type Address struct {
	// Host is the address at which the other roles reach it.
	Host string
	// Interface is the network interface by which it reaches them; "" is
	// loopback.
	Interface string
	// PID is its process, as a command beside it sees it. From it on, so many
	// generations of processes only hold those of the role.
	PID, Holders int
}

// ProcessesFile is among the files that are copied out of a container whose image
// isn't ours: the times and the memory of its processes at that time, as
// [proctree.ParseFiles] reads them. To execute a command for them would cost more than they do.
const ProcessesFile = "processes"
