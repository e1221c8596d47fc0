// Functions that are not durable.
export const handler = async (event, context) => ({
  echo: event,
  function: context.functionName,
});
