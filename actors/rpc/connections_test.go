package rpc_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// A node greets whom it has admitted with the limits of the connection.
func TestConnectionsAreLimited(t *testing.T) {
	const most = 256 // of one host
	alone(t, func(t *testing.T) {
		system := listen(t)
		dial := func() net.Conn {
			conn, err := net.Dial("tcp", system.Address())
			require.NoError(t, err)
			t.Cleanup(func() { _ = conn.Close() })
			return conn
		}
		for range most {
			settings := settingsOf(t, dial())
			assert.EqualValues(t, 16, settings[3], "SETTINGS_MAX_CONCURRENT_STREAMS")
			assert.EqualValues(t, 16<<10, settings[6], "SETTINGS_MAX_HEADER_LIST_SIZE")
		}
		_, err := dial().Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		assert.EqualValues(t, 1, rpc.StatsOf(system).Denied)
	})
}

// settingsOf reads the first frame of HTTP/2 that the other side of a connection sends.
func settingsOf(t *testing.T, conn net.Conn) map[uint16]uint32 {
	header := make([]byte, 9)
	_, err := io.ReadFull(conn, header)
	require.NoError(t, err)
	require.EqualValues(t, 4, header[3], "a frame of settings")
	content := make([]byte, int(header[1])<<8|int(header[2]))
	_, err = io.ReadFull(conn, content)
	require.NoError(t, err)
	settings := make(map[uint16]uint32)
	for ; len(content) > 0; content = content[6:] {
		settings[binary.BigEndian.Uint16(content)] = binary.BigEndian.Uint32(content[2:])
	}
	return settings
}
