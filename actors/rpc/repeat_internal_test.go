package rpc

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

// refusing is a target that is nowhere, and tells of which failures it is asked.
type refusing struct{ failures chan int }

func (refusing) String() string   { return "refusing" }
func (refusing) moves(error) bool { return true }

func (r refusing) find(ctx context.Context, _ *node, failed []failure) (place, error) {
	select {
	case r.failures <- len(failed):
	case <-ctx.Done():
	}
	return place{}, ErrNodeDown
}

func TestCallWithAKeyTriesAllPlacesAnewWhenEachHasFailed(t *testing.T) {
	r := newReceiver(t)
	target := refusing{make(chan int)}
	p := Call[string, string](t.Context(), r.system, target, "echo", "x", Idempotent(""))
	for _, want := range []int{0, 1, 0, 1, 0} {
		assert.Equal(t, want, <-target.failures)
	}
	p.Cancel(nil)
}
