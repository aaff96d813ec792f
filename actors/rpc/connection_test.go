package rpc

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
)

var errLost = errors.New("lost")

// lostStream is a connection that is lost.
type lostStream struct{ grpc.ClientStream }

func (lostStream) RecvMsg(any) error { return errLost }
func (lostStream) SendMsg(any) error { return errLost }
func (lostStream) CloseSend() error  { return nil }

func TestConnectionThatThisSideHasClosedIsNotLost(t *testing.T) {
	d := &departures{ClientStream: lostStream{}}
	require.ErrorIs(t, d.RecvMsg(nil), errLost)
	require.NoError(t, d.CloseSend())
	require.ErrorIs(t, d.RecvMsg(nil), io.EOF)

	d = &departures{ClientStream: lostStream{}}
	require.ErrorIs(t, d.SendMsg(nil), errLost)
	require.NoError(t, d.CloseSend())
	require.ErrorIs(t, d.RecvMsg(nil), errLost, "it was lost before it was closed")
}
