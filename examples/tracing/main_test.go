package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheShopTakesOrders(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	address, closeShop := open(t, time.Millisecond)
	defer closeShop()
	defer http.DefaultClient.CloseIdleConnections()

	response, err := http.Get(address + "/order/tea")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)

	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.True(t, strings.HasPrefix(string(body), "tea, 7 left, on account; goes well with a cup\ntrace: "), string(body))
}

func TestTheCommandLine(t *testing.T) {
	for _, test := range []struct {
		name, printed string
		args          []string
		err           string
	}{
		{"help", usage, []string{"-help"}, "flag: help requested"},
		{"unknown flag", "", []string{"-x"}, "flag provided but not defined: -x"},
		{"an argument", "", []string{"x"}, `"x" is no flag; try -help`},
		{"an address that cannot be", "", []string{"-listen", "nowhere"}, "listen tcp: address nowhere: missing port in address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("OTEL_SDK_DISABLED", "true")
			var out strings.Builder

			err := run(t.Context(), test.args, &out)

			require.EqualError(t, err, test.err)
			assert.Equal(t, test.printed, out.String())
		})
	}
}

func TestTheShopClosesWhenItIsTold(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	ended := make(chan error)
	go func() { ended <- run(ctx, []string{"-listen", "127.0.0.1:0"}, out) }()

	said := make([]byte, 100)
	n, err := in.Read(said)
	require.NoError(t, err)
	assert.Contains(t, string(said[:n]), "order something: http://127.0.0.1:")
	cancel()

	require.NoError(t, <-ended)
}
