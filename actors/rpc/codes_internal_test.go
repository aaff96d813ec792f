package rpc

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

func TestCodesAreTheNamesOfTheirErrors(t *testing.T) {
	for _, c := range builtIn {
		if named, ok := c.err.(interface{ ErrorType() string }); ok {
			assert.Equal(t, c.code, "rpc."+named.ErrorType())
		} else {
			assert.Contains(t, []error{context.Canceled, context.DeadlineExceeded}, c.err)
		}
	}
}

func TestNameOfARemoteErrorIsOneThatIsKnownHere(t *testing.T) {
	n := &node{}
	n.codes.registered = []coded{{"shop.sold_out", assert.AnError}}
	for codes, want := range map[string]string{
		"": "", "other": "", "rpc.": "", "rpc.other": "", "rpc.stopped,rpc.cancelled": "stopped", "rpc.deadline,shop.sold_out": "shop.sold_out",
	} {
		err := n.decodeError(&wire.Error{Codes: strings.Split(codes, ",")})
		assert.Equal(t, want, err.ErrorType(), codes)
	}
	assert.Equal(t, "panic", n.decodeError(&wire.Error{Panicked: true, Codes: []string{"rpc.stopped"}}).ErrorType())
}
