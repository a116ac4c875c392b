// Judges counterfoil.yaml as a Kubernetes API server would take it: strict decoding, defaults and
// validation are those of Kubernetes' own code, and the pods are held to the Pod Security standard
// that the namespace enforces. No cluster is needed, and none is asked: that the pod runs, this
// does not show.
//
// go run . FILE
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corev1internal "k8s.io/kubernetes/pkg/apis/core/v1"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	security "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// The label by which a namespace says what its pods are held to.
const enforced = "pod-security.kubernetes.io/enforce"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run . FILE")
		os.Exit(2)
	}
	if err := judge(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judge(file string) error {
	objects, err := read(file)
	if err != nil {
		return err
	}
	level, err := enforcedLevel(objects)
	if err != nil {
		return err
	}
	for _, object := range objects {
		what, faults := validate(object)
		if len(faults) > 0 {
			return fmt.Errorf("%s: %w", what, faults.ToAggregate())
		}
		fmt.Printf("  ok      %s\n", what)
		if set, isSet := object.(*apps.StatefulSet); isSet {
			if err := hold(set, level); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			fmt.Printf("  ok      its pods keep to the Pod Security standard %q\n", level)
		}
	}
	return nil
}

// Reads every document: unknown and doubled members are errors, defaults are filled in.
func read(file string) ([]runtime.Object, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	scheme := legacyscheme.Scheme
	options := json.SerializerOptions{Yaml: true, Strict: true}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, options)
	documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	buffer := make([]byte, len(text)+1)
	var objects []runtime.Object
	for {
		n, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		versioned, _, err := strict.Decode(buffer[:n], nil, nil)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", len(objects)+1, err)
		}
		scheme.Default(versioned)
		object, err := scheme.UnsafeConvertToVersion(versioned, runtime.InternalGroupVersioner)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s holds nothing", file)
	}
	return objects, nil
}

// What an object is called, and what an API server has against it.
func validate(object runtime.Object) (string, field.ErrorList) {
	switch found := object.(type) {
	case *core.Namespace:
		return "Namespace " + found.Name, corevalidation.ValidateNamespace(found)
	case *core.ConfigMap:
		return "ConfigMap " + found.Name, corevalidation.ValidateConfigMap(found)
	case *core.Service:
		// The cluster gives these when it takes the service.
		found.Spec.ClusterIP, found.Spec.ClusterIPs = "10.0.0.1", []string{"10.0.0.1"}
		found.Spec.IPFamilies = []core.IPFamily{core.IPv4Protocol}
		single := core.IPFamilyPolicySingleStack
		found.Spec.IPFamilyPolicy = &single
		return "Service " + found.Name, corevalidation.ValidateServiceCreate(found)
	case *apps.StatefulSet:
		found.Generation = 1
		options := podutil.GetValidationOptionsFromPodTemplate(&found.Spec.Template, nil)
		return "StatefulSet " + found.Name, appsvalidation.ValidateStatefulSet(found, options)
	default:
		at := field.NewPath("kind")
		said := fmt.Sprintf("%T is not among the kinds this looks at", object)
		return "a document", field.ErrorList{field.Invalid(at, said, "add it to check/main.go")}
	}
}

func enforcedLevel(objects []runtime.Object) (security.Level, error) {
	for _, object := range objects {
		if namespace, is := object.(*core.Namespace); is {
			return security.ParseLevel(namespace.Labels[enforced])
		}
	}
	return "", errors.New("there is no namespace")
}

func hold(set *apps.StatefulSet, level security.Level) error {
	var template corev1.PodTemplateSpec
	convert := corev1internal.Convert_core_PodTemplateSpec_To_v1_PodTemplateSpec
	err := convert(&set.Spec.Template, &template, nil)
	if err != nil {
		return err
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return err
	}
	standard := security.LevelVersion{Level: level, Version: security.LatestVersion()}
	results := evaluator.EvaluatePod(standard, &template.ObjectMeta, &template.Spec)
	if sum := policy.AggregateCheckResults(results); !sum.Allowed {
		return errors.New(sum.ForbiddenDetail())
	}
	return nil
}
