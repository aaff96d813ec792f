package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/propagation"
)

// check returns an error for each variable of the environment that OpenTelemetry cannot use.
// The SDK and its exporters log some of them, ignore others, and panic on one.
func check() error {
	var errs []error
	add := func(variable string, check func(value string) error) {
		if value := valueOf(variable); value != "" {
			if err := check(value); err != nil {
				errs = append(errs, fmt.Errorf("otlp: %s: %q %w", variable, value, err))
			}
		}
	}
	for variable, limits := range numbers {
		add(variable, between(limits.least, limits.most))
	}
	add("OTEL_TRACES_SAMPLER", oneOf(samplers...))
	if strings.Contains(strings.ToLower(valueOf("OTEL_TRACES_SAMPLER")), "ratio") {
		add("OTEL_TRACES_SAMPLER_ARG", isRatio)
	}
	add("OTEL_RESOURCE_ATTRIBUTES", isPairs)
	add("OTEL_SERVICE_NAME", isText)
	add("OTEL_PROPAGATORS", func(list string) error {
		_, err := propagators(list)
		return err
	})
	for _, signal := range []string{"", "TRACES_", "METRICS_", "LOGS_"} {
		prefix := "OTEL_EXPORTER_OTLP_" + signal
		add(prefix+"ENDPOINT", func(value string) error { return isEndpoint(value, signal) })
		add(prefix+"INSECURE", oneOf("true", "false"))
		add(prefix+"HEADERS", isHeaders)
		add(prefix+"COMPRESSION", oneOf("gzip", "none"))
		add(prefix+"TIMEOUT", between(0, math.MaxInt32))
		add(prefix+"CERTIFICATE", isCertificates)
		add(prefix+"CLIENT_CERTIFICATE", func(file string) error {
			_, err := tls.LoadX509KeyPair(file, valueOf(prefix+"CLIENT_KEY"))
			return because(err, "makes no pair with "+prefix+"CLIENT_KEY")
		})
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func valueOf(variable string) string { return strings.TrimSpace(os.Getenv(variable)) }

// limits are those of a number.
type limits struct{ least, most int }

var (
	// The SDK makes room for so many spans or records at once. It panics if that is too much.
	sizes = limits{1, 1 << 20}
	// More would overflow a time, which the SDK then takes for none or panics at.
	milliseconds = limits{1, math.MaxInt32}
	counts       = limits{-1, math.MaxInt32}
)

// numbers are the variables that are numbers, with what makes sense.
var numbers = map[string]limits{
	"OTEL_BSP_MAX_QUEUE_SIZE": sizes, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": sizes,
	"OTEL_BSP_SCHEDULE_DELAY": milliseconds, "OTEL_BSP_EXPORT_TIMEOUT": milliseconds,
	"OTEL_BLRP_MAX_QUEUE_SIZE": sizes, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": sizes,
	"OTEL_BLRP_SCHEDULE_DELAY": milliseconds, "OTEL_BLRP_EXPORT_TIMEOUT": milliseconds,
	"OTEL_METRIC_EXPORT_INTERVAL": milliseconds, "OTEL_METRIC_EXPORT_TIMEOUT": milliseconds,
	"OTEL_ATTRIBUTE_COUNT_LIMIT": counts, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": counts,
	"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": counts, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": counts,
	"OTEL_SPAN_EVENT_COUNT_LIMIT": counts, "OTEL_SPAN_LINK_COUNT_LIMIT": counts,
	"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": counts, "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": counts,
	"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": counts, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": counts,
}

var samplers = []string{
	"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

// because returns an error with a text before it, or nil.
func because(err error, text string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", text, err)
}

func between(least, most int) func(string) error {
	return func(value string) error {
		switch n, err := strconv.Atoi(value); {
		case errors.Is(err, strconv.ErrSyntax):
			return errors.New("is no whole number")
		case n < least:
			return fmt.Errorf("is less than %d", least)
		case n > most: // also if it is too large for an int
			return fmt.Errorf("is more than %d", most)
		default:
			return nil
		}
	}
}

func oneOf(known ...string) func(string) error {
	return func(value string) error {
		if slices.Contains(known, strings.ToLower(value)) {
			return nil
		}
		return errors.New("is none of " + strings.Join(known, ", "))
	}
}

func isRatio(value string) error {
	if ratio, err := strconv.ParseFloat(value, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
		return errors.New("is no number between 0 and 1")
	}
	return nil
}

// isEndpoint checks an endpoint of a signal, as "TRACES_", or of all signals, as "".
func isEndpoint(value, signal string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "unix":
		return errors.New("does not begin with http:// or https://")
	case u.Scheme == "unix" && !overGRPCAlone(signal):
		return errors.New("is for " + overGRPC + " alone")
	case u.Host == "" && u.Scheme != "unix":
		return errors.New("has no host")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n > math.MaxUint16 {
			return errors.New("has a port that there is not")
		}
	}
	return nil
}

// overGRPCAlone reports whether a signal, or all of them for "", is sent with gRPC or not at all.
func overGRPCAlone(signal string) bool {
	for _, of := range []string{"TRACES_", "METRICS_", "LOGS_"} {
		if protocol, _ := protocolOf(strings.TrimSuffix(of, "_")); strings.HasPrefix(of, signal) && protocol == overHTTP {
			return false
		}
	}
	return true
}

func isText(value string) error {
	if !utf8.ValidString(value) {
		return errors.New("is no UTF-8") // which no batch could be sent with
	}
	return nil
}

// isPairs checks a list of the form key=value,key=value.
func isPairs(value string) error {
	return eachPair(value, func(key, value string) error { return isText(key + value) })
}

// isHeaders checks a list of headers of requests.
func isHeaders(value string) error {
	return eachPair(value, func(key, value string) error {
		if strings.Trim(key, tokens) != "" {
			return fmt.Errorf("has %q, which is no name of a header", key)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
			return fmt.Errorf("has a value of %q that is no text of a header", key)
		}
		return nil
	})
}

// tokens are what names of headers may be made of.
const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// eachPair calls check for each pair of a list, with its value as it is meant.
func eachPair(list string, check func(key, value string) error) error {
	for pair := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, escaped, ok := strings.Cut(pair, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			return errors.New("is no list of key=value, separated by commas")
		}
		value, err := url.PathUnescape(escaped)
		if err != nil {
			return because(err, "is not percent-encoded")
		}
		if err := check(key, strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	return nil
}

func isCertificates(file string) error {
	text, err := os.ReadFile(file) //nolint:gosec // The environment is that of the program.
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
		err = errors.New("there is no certificate")
	}
	return because(err, "cannot be used")
}

// propagators returns what a list of propagators stands for.
func propagators(list string) (propagation.TextMapPropagator, error) {
	if list == "" {
		list = "tracecontext,baggage"
	}
	var all []propagation.TextMapPropagator
	for name := range strings.SplitSeq(list, ",") {
		switch strings.TrimSpace(name) {
		case "tracecontext":
			all = append(all, propagation.TraceContext{})
		case "baggage":
			all = append(all, propagation.Baggage{})
		case "none":
		default:
			return nil, errors.New("has others than tracecontext, baggage and none")
		}
	}
	return propagation.NewCompositeTextMapPropagator(all...), nil
}
