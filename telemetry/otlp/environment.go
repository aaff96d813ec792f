package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

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
	for variable, least := range numbers {
		add(variable, atLeast(least))
	}
	add("OTEL_TRACES_SAMPLER", oneOf(samplers...))
	if strings.Contains(strings.ToLower(valueOf("OTEL_TRACES_SAMPLER")), "ratio") {
		add("OTEL_TRACES_SAMPLER_ARG", isRatio)
	}
	add("OTEL_RESOURCE_ATTRIBUTES", isPairs)
	add("OTEL_PROPAGATORS", func(list string) error {
		_, err := propagators(list)
		return err
	})
	for _, signal := range []string{"", "TRACES_", "METRICS_", "LOGS_"} {
		prefix := "OTEL_EXPORTER_OTLP_" + signal
		add(prefix+"ENDPOINT", isEndpoint)
		add(prefix+"INSECURE", oneOf("true", "false"))
		add(prefix+"HEADERS", isPairs)
		add(prefix+"COMPRESSION", oneOf("gzip", "none"))
		add(prefix+"TIMEOUT", atLeast(0))
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

// numbers are the variables that are numbers, with the least that makes sense.
var numbers = map[string]int{
	"OTEL_BSP_MAX_QUEUE_SIZE": 1, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 1, "OTEL_BSP_SCHEDULE_DELAY": 1, "OTEL_BSP_EXPORT_TIMEOUT": 1,
	"OTEL_BLRP_MAX_QUEUE_SIZE": 1, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": 1, "OTEL_BLRP_SCHEDULE_DELAY": 1, "OTEL_BLRP_EXPORT_TIMEOUT": 1,
	"OTEL_METRIC_EXPORT_INTERVAL": 1, "OTEL_METRIC_EXPORT_TIMEOUT": 1,
	"OTEL_ATTRIBUTE_COUNT_LIMIT": -1, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": -1,
	"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": -1, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": -1,
	"OTEL_SPAN_EVENT_COUNT_LIMIT": -1, "OTEL_SPAN_LINK_COUNT_LIMIT": -1,
	"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": -1, "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": -1,
	"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": -1, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": -1,
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

func atLeast(least int) func(string) error {
	return func(value string) error {
		switch n, err := strconv.Atoi(value); {
		case err != nil:
			return errors.New("is no whole number")
		case n < least:
			return fmt.Errorf("is less than %d", least)
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

func isEndpoint(value string) error {
	switch u, err := url.Parse(value); {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "unix":
		return errors.New("does not begin with http:// or https://")
	case u.Host == "" && u.Scheme != "unix":
		return errors.New("has no host")
	default:
		return nil
	}
}

// isPairs checks a list of the form key=value,key=value.
func isPairs(value string) error {
	for pair := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, escaped, ok := strings.Cut(pair, "=")
		if !ok || strings.TrimSpace(key) == "" {
			return errors.New("is no list of key=value, separated by commas")
		}
		if _, err := url.PathUnescape(escaped); err != nil {
			return because(err, "is not percent-encoded")
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
