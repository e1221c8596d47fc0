export const handler = async () => "plain";
