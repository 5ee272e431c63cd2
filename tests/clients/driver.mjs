// The AWS SDK for JavaScript as one of the three clients: reads one call a line from standard
// input, `{"operation": …, "input": …}`, and writes what came of it a line each.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.env.STEPWELL_NODE_FOLDER}/`);
const sdk = require("@aws-sdk/client-sfn");

const client = new sdk.SFNClient({
  endpoint: process.env.AWS_ENDPOINT_URL,
  region: process.env.AWS_DEFAULT_REGION,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  disableHostPrefix: true,
  maxAttempts: 1,
});

async function call({ operation, input }) {
  try {
    const { $metadata, ...output } = await client.send(new sdk[`${operation}Command`](input));
    return { output };
  } catch (error) {
    return { error: error.name, message: error.message, isAwsError: error instanceof sdk.SFNServiceException };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await call(JSON.parse(line)))}\n`);
}
