//go:build unix

package inspect

import (
	"io"
	"log/slog"
	"os"
	"syscall"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDumpIsWrittenAtASignal(t *testing.T) {
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
	r, w := io.Pipe()
	stop := dumpOn(system, w, []os.Signal{syscall.SIGUSR1})
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	text := make([]byte, 1000)
	n, err := r.Read(text)
	require.NoError(t, err)
	assert.Contains(t, string(text[:n]), system.ID)
	stop()
	stop()
	DumpOn(system)()
}
