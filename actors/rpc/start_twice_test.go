package rpc_test

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

func TestStartTwiceIsAnErrorAndChangesNothing(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t, rpc.MaxSize(1<<20))
		address := system.Address()
		for _, again := range []string{address, "127.0.0.1:0"} {
			stop, err := rpc.Start(system, again, rpc.MaxSize(1))
			require.ErrorIs(t, err, rpc.ErrStarted)
			require.EqualError(t, err, "rpc: started already: the system listens at "+address+", and cannot listen at "+again)
			assert.Nil(t, stop)
		}
		assert.Equal(t, address, system.Address())
		node := startNode(t, "127.0.0.1:0")
		require.NoError(t, echoAt(t.Context(), system, node.address))
		actorstest.Start(t, system)
	})
}

func TestOfManyStartsAtATimeOneSucceeds(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		var all sync.WaitGroup
		errs := make(chan error, 10)
		for range cap(errs) {
			all.Go(func() {
				stop, err := rpc.Start(system, "127.0.0.1:0")
				if err == nil {
					t.Cleanup(stop)
				}
				errs <- err
			})
		}
		all.Wait()
		succeeded := 0
		for range cap(errs) {
			if err := <-errs; err == nil {
				succeeded++
			} else {
				require.ErrorIs(t, err, rpc.ErrStarted)
			}
		}
		assert.Equal(t, 1, succeeded)
	})
}

func TestStartAfterOneThatHasFailed(t *testing.T) {
	alone(t, func(t *testing.T) {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer taken.Close()
		system := actorstest.NewSystem(t)
		for _, wrong := range []string{taken.Addr().String(), "nonsense"} {
			_, err = rpc.Start(system, wrong)
			require.Error(t, err)
			require.NotErrorIs(t, err, rpc.ErrStarted)
		}
		stop, err := rpc.Start(system, "127.0.0.1:0")
		require.NoError(t, err)
		stop()
		_, err = rpc.Start(system, "127.0.0.1:0")
		require.ErrorIs(t, err, rpc.ErrStarted, "a system listens once in its life")
	})
}

func TestASystemThatHasStartedDoesNotJoin(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		c, _ := join(t, system, kindOf(t, system, "cart", newCart))
		_, err := rpc.Start(system, "127.0.0.1:0")
		require.ErrorIs(t, err, rpc.ErrStarted)
		_, err = rpc.Join(system, c)
		require.ErrorIs(t, err, rpc.ErrStarted)
	})
}
