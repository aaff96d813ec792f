package rpc

import (
	"fmt"

	"github.com/seed-7fcaac1b/protocaller/internal/sentinel"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

var (
	// ErrUnknownFunction is matched by the error of a call whose function the
	// target's node does not have.
	ErrUnknownFunction = sentinel.New("unknown_function", "rpc: unknown function")

	// ErrNoCaller is matched by the error of a call on a caller that does not
	// exist on its node.
	ErrNoCaller = sentinel.New("no_caller", "rpc: no such caller")

	// ErrNodeDown is matched by the error of a call whose node has died or cannot
	// be reached. A node that has no functions at all counts as down. Whether the
	// function has run is not known if the error matches [ErrUncertain] as well.
	ErrNodeDown = sentinel.New("node_down", "rpc: node down")

	// ErrTooLarge is matched by the error of a call whose argument or result is
	// larger than [MaxSize]. An argument that is too large here is not sent.
	ErrTooLarge = sentinel.New("too_large", "rpc: too large")

	// ErrDenied is matched by the error of a call that [Authorize] has not
	// permitted.
	ErrDenied = sentinel.New("denied", "rpc: denied")

	// ErrEncoding is matched by the error of a call whose argument or result
	// cannot be encoded or decoded.
	ErrEncoding = sentinel.New("encoding", "rpc: encoding")

	// ErrNoMember is matched by the error of a call on a kind that no member of the
	// cluster has. The target is an [Identity] or a [Pool]. The function has not run.
	ErrNoMember = sentinel.New("no_member", "rpc: no member")

	// ErrActivation is matched by the error of a call on an [Identity] whose state
	// could not be made. The function has not run.
	ErrActivation = sentinel.New("activation", "rpc: activation")

	// ErrUncertain is matched, besides [ErrNodeDown], by the error of a call that may have
	// run, or not: its session has ended after it was sent, and before it was answered.
	// Without ErrUncertain the function has not run.
	ErrUncertain = sentinel.New("uncertain", "rpc: uncertain whether it has run")

	// ErrStarted is matched by the error of [Start] and of [Join] for a system that was
	// started before. It listens for other nodes, or has stopped to. Nothing has changed
	// then.
	ErrStarted = sentinel.New("started", "rpc: started already")

	// ErrExpelled is matched by the error of a call on an [Identity] whose node was expelled
	// from its cluster: see [Expelled]. If the function had begun, it was cancelled, and may
	// have done a part of its work.
	ErrExpelled = sentinel.New("expelled", "rpc: expelled from the cluster")

	// ErrOwned is matched by the error of [OwnerStore].Take if another activation owns the
	// identity.
	ErrOwned = sentinel.New("owned", "rpc: the identity has another owner")

	// ErrLeaseLost is matched by the error of a call on an [Identity] whose node has lost its
	// lease: see [SingleOwner]. If the function had begun, it was cancelled, and may have done
	// a part of its work. It is also what an [OwnerStore] returns for a lease that is over.
	ErrLeaseLost = sentinel.New("lease_lost", "rpc: lease lost")

	// ErrVersion is matched by the error of a call of a node that speaks another
	// version.
	ErrVersion = sentinel.New("version", "rpc: other version")
)

// RemoteError is an error that comes from another node. errors.Is finds what the original
// matched: errors of this package and of packages pending, actors and context, and those
// of [RegisterError]. For a panic errors.As finds a [*pending.PanicError] with the text
// of the value and the stack.
type RemoteError struct {
	// Node is the address of the node.
	Node string
	// Text is that of the original, or of the value of the panic.
	Text string
	// Codes are those of the errors that the original matched.
	Codes []string
	// Stack is that of the panic, nil for an error.
	Stack []byte

	panicked bool
	notRun   bool
	again    bool
	matches  []error
	name     string
}

// ErrorType returns the code of a registered error that the original matched, or the name of
// one of ours. It returns "panic" for a panic, and "" for all else. The semantic conventions
// of OpenTelemetry ask errors for it. A code that is not known here is not returned: the other
// node could send any.
func (e *RemoteError) ErrorType() string { return e.name }

// Error returns the node and the text, without the stack.
func (e *RemoteError) Error() string {
	if e.panicked {
		return fmt.Sprintf("rpc: node %s: panic: %s", e.Node, e.Text)
	}
	return fmt.Sprintf("rpc: node %s: %s", e.Node, e.Text)
}

// Unwrap returns the errors that the original matched.
func (e *RemoteError) Unwrap() []error {
	if e.panicked {
		return []error{&pending.PanicError{Value: e.Text, Stack: e.Stack}}
	}
	return e.matches
}
