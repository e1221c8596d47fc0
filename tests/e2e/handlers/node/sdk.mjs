// What the majors of the SDK call differently; handlers import it from here.
// 1.x has one error for all that becomes of a callback, and wraps it where the
// callback is waited for; there only the logger is told a step's attempt.
import * as sdk from "@aws/durable-execution-sdk-js";

export function isCallbackTimeout(error) {
  return sdk.CallbackTimeoutError
    ? error instanceof sdk.CallbackTimeoutError
    : error.cause instanceof sdk.CallbackError;
}

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
