import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirDefaultPolicyAdvisor;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.elementmodel.Element;
import org.hl7.fhir.r5.model.ElementDefinition;
import org.hl7.fhir.r5.model.StructureDefinition;
import org.hl7.fhir.r5.utils.validation.IMessagingServices;
import org.hl7.fhir.r5.utils.validation.IResourceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;
import org.hl7.fhir.r5.utils.validation.constants.ReferenceValidationPolicy;
import org.hl7.fhir.utilities.validation.ValidationMessage;
import org.hl7.fhir.validation.instance.advisor.BasePolicyAdvisorForFullValidation;

/**
 * HL7's validator for R4 as a line protocol: a JSON resource a line on standard input, and for each, in the same
 * order, a line with its issues on standard output: [{"severity", "location", "message", "messageId"}, …].
 * Each argument is a folder of StructureDefinitions (JSON) that resources may claim in meta.profile.
 */
public class Main {
    private static final FhirContext R4 = FhirContext.forR4();
    private static final Gson JSON = new Gson();
    private static final String KR_CORE = "http://www.hl7korea.or.kr/fhir/krcore/";
    private static final String END = "";

    public static void main(String[] profileFolders) throws Exception {
        PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        System.setOut(System.err); // what a library prints must not pass for an answer
        FhirValidator validator = validator(profileFolders);
        BlockingQueue<Future<String>> pending = new ArrayBlockingQueue<>(256);
        ExecutorService pool = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
        Thread writer = new Thread(() -> write(pending, answers));
        writer.start();
        FileInputStream resources = new FileInputStream(FileDescriptor.in);
        BufferedReader lines = new BufferedReader(new InputStreamReader(resources, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String resource = line;
            pending.put(pool.submit(() -> issues(validator, resource)));
        }
        pending.put(CompletableFuture.completedFuture(END));
        writer.join();
        pool.shutdown();
    }

    private static void write(BlockingQueue<Future<String>> pending, PrintStream answers) {
        try {
            for (String answer = pending.take().get(); !answer.equals(END); answer = pending.take().get()) {
                answers.println(answer);
                answers.flush();
            }
        } catch (Throwable broken) {
            broken.printStackTrace();
            Runtime.getRuntime().halt(1); // a missing line would shift all later answers
        }
    }

    private static String issues(FhirValidator validator, String resource) {
        JsonArray issues = new JsonArray();
        try {
            validator.validateWithResult(resource).getMessages().forEach(message -> issues.add(issue(message)));
        } catch (RuntimeException unreadable) {
            issues.add(issue("fatal", "", String.valueOf(unreadable.getMessage()), unreadable.getClass().getName()));
        }
        return JSON.toJson(issues);
    }

    private static JsonObject issue(SingleValidationMessage message) {
        boolean noFault = ofAnotherGuide(message) || uncommonLanguage(message);
        String severity = noFault ? "information" : message.getSeverity().getCode();
        return issue(severity, message.getLocationString(), message.getMessage(), message.getMessageId());
    }

    /** A claim that can't be checked here is no fault; one of KR Core's is, for all that may be claimed are here. */
    private static boolean ofAnotherGuide(SingleValidationMessage message) {
        boolean unknown = "Validation_VAL_Profile_Unknown".equals(message.getMessageId());
        return unknown && !message.getMessage().contains(KR_CORE);
    }

    /** R4 only prefers its list of common languages (it lacks ko-KR); HAPI makes an error of it. */
    private static boolean uncommonLanguage(SingleValidationMessage message) {
        return message.getMessage().endsWith("is not in valueset: http://hl7.org/fhir/ValueSet/languages");
    }

    private static JsonObject issue(String severity, String location, String message, String messageId) {
        JsonObject issue = new JsonObject();
        issue.addProperty("severity", severity);
        issue.addProperty("location", location == null ? "" : location);
        issue.addProperty("message", message);
        issue.addProperty("messageId", messageId == null ? "" : messageId);
        return issue;
    }

    private static FhirValidator validator(String[] profileFolders) throws IOException {
        FhirInstanceValidator instances = new FhirInstanceValidator(support(profileFolders));
        instances.setAssumeValidRestReferences(true); // nothing here can be asked whether a target exists
        instances.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
        instances.setAnyExtensionsAllowed(false);
        instances.setCustomExtensionDomains(KR_CORE, "http://hl7.org/fhir/");
        instances.setValidatorPolicyAdvisor(new VitalSigns());
        return new FhirValidator(R4).registerValidatorModule(instances);
    }

    private static IValidationSupport support(String[] profileFolders) throws IOException {
        UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(R4);
        // LOINC, SNOMED CT, RxNorm, the hospital's own: their codes aren't here, so nothing can be said of them.
        unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.INFORMATION);
        return new ValidationSupportChain(
                new DefaultProfileValidationSupport(R4),
                profiles(profileFolders),
                new CommonCodeSystemsTerminologyService(R4),
                new InMemoryTerminologyServerValidationSupport(R4),
                new SnapshotGeneratingValidationSupport(R4),
                unknown);
    }

    private static PrePopulatedValidationSupport profiles(String[] folders) throws IOException {
        PrePopulatedValidationSupport profiles = new PrePopulatedValidationSupport(R4);
        for (String folder : folders) {
            try (Stream<Path> files = Files.list(Path.of(folder))) {
                for (Path file : files.filter(path -> path.toString().endsWith(".json")).sorted().toList()) {
                    profiles.addResource(R4.newJsonParser().parseResource(Files.readString(file)));
                }
            }
        }
        return profiles;
    }

    /** R4 demands its vital-sign profiles by LOINC code, claimed or not; HAPI leaves out what HL7 has for that. */
    private static class VitalSigns extends FhirDefaultPolicyAdvisor {
        private final BasePolicyAdvisorForFullValidation full =
                new BasePolicyAdvisorForFullValidation(ReferenceValidationPolicy.IGNORE, null);

        @Override
        public List<StructureDefinition> getImpliedProfilesForResource(
                IResourceValidator validator,
                Object context,
                String path,
                ElementDefinition definition,
                StructureDefinition structure,
                Element resource,
                boolean valid,
                IMessagingServices messaging,
                List<ValidationMessage> messages) {
            return full.getImpliedProfilesForResource(
                    validator, context, path, definition, structure, resource, valid, messaging, messages);
        }
    }
}
