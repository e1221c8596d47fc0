// What the majors of the SDK call differently; handlers import it from here.
// 1.x has one error for all that becomes of a callback; before 2.1 only the
// logger is told a step's attempt.
import * as sdk from "@aws/durable-execution-sdk-js";

export const CallbackTimeoutError =
  sdk.CallbackTimeoutError ?? sdk.CallbackError;

let logging;
const nothing = () => {};
const listener = {
  configureDurableLoggingContext: (given) => (logging = given),
  log: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};

// Before the first step whose attempt is asked for.
export function followAttempts(context) {
  context.configureLogger({ customLogger: listener });
}

export function attemptOf(step) {
  return step.attempt ?? logging.getDurableLogData().attempt;
}
