package jaeger

import (
	"net"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAProgramThatDoesNotStart(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), "no such program")
	require.ErrorIs(t, err, exec.ErrNotFound)
}

func TestAProgramThatEndsSaysWhy(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("go")
	require.NoError(t, err)

	_, err = Start(t.Context(), program) // knows none of the flags

	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Contains(t, err.Error(), `Use "go help`, "the end of what it has said")
}

func TestAToolThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := Build(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "jaeger: build: ")
}

func TestEachServerListensOnTheLoopbackAddressAlone(t *testing.T) {
	t.Parallel()
	otlp, err := freeAddress()
	require.NoError(t, err)
	endpoints := regexp.MustCompile(`endpoint: "([^"]*)"`).FindAllStringSubmatch(configuration(otlp), -1)
	require.Len(t, endpoints, 3)
	for _, endpoint := range endpoints {
		host, _, err := net.SplitHostPort(endpoint[1])
		require.NoError(t, err)
		assert.Equal(t, "127.0.0.1", host, endpoint)
	}
}
