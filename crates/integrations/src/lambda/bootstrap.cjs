'use strict';
// Runs a Node.js handler for Stepwell: fetches events from the Lambda Runtime API, calls the
// handler, posts what it returns or throws. Read from standard input, so that it leaves no file.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const util = require('node:util');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');

const RUNTIME = '/2018-06-01/runtime';
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true });
let currentRequestId = '';

class RuntimeFault extends Error {
  constructor(kind, message) {
    super(message);
    this.name = `Runtime.${kind}`;
  }
}

function call(method, where, body, headers) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const options = { host, port, agent, method, path: RUNTIME + where, headers: { ...headers, ...length } };
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString('utf8') }));
      response.on('error', reject);
    });
    request.setNoDelay(true);
    request.on('error', reject);
    request.end(body);
  });
}

function describe(error) {
  try {
    const looksLikeError = error && typeof error === 'object' &&
      [error.name, error.message, error.stack].every((field) => typeof field === 'string' && field);
    if (util.types.isNativeError(error) || looksLikeError) {
      return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving ' +
        'one or more of its message, name, and stack',
    };
  }
}

function postError(where, error) {
  const message = describe(error);
  const headers = { 'Content-Type': 'application/json' };
  if (/^[\x20-\x7e]+$/.test(message.errorType)) {
    headers['Lambda-Runtime-Function-Error-Type'] = message.errorType;
  }
  return call('POST', where, JSON.stringify(message), headers);
}

function setUpConsole() {
  for (const [method, level] of [
    ['log', 'INFO'], ['debug', 'DEBUG'], ['info', 'INFO'], ['warn', 'WARN'], ['error', 'ERROR'], ['trace', 'TRACE'],
  ]) {
    console[method] = (...values) => {
      const moment = new Date().toISOString();
      process.stdout.write(`${moment}\t${currentRequestId || 'undefined'}\t${level}\t${util.format(...values)}\n`);
    };
  }
}

// Whether the nearest package.json above a file says that .js files are ES modules.
function isModulePackage(directory) {
  for (;;) {
    const description = path.join(directory, 'package.json');
    if (fs.existsSync(description)) {
      try {
        return JSON.parse(fs.readFileSync(description, 'utf8')).type === 'module';
      } catch {
        return false;
      }
    }
    const parent = path.dirname(directory);
    if (parent === directory || path.basename(directory) === 'node_modules') {
      return false;
    }
    directory = parent;
  }
}

async function loadModule(root, file) {
  const full = path.resolve(root, file);
  const requireFrom = createRequire(path.join(root, 'noop.js'));
  const isModule = isModulePackage(path.dirname(full));
  const candidates = [
    [full, false], [`${full}.js`, isModule], [`${full}.mjs`, true], [`${full}.cjs`, false],
    [`${full}.ts`, isModule], [`${full}.mts`, true], [`${full}.cts`, false],
  ];
  for (const [candidate, asModule] of candidates) {
    if (fs.existsSync(candidate) && fs.statSync(candidate).isFile()) {
      return asModule ? import(pathToFileURL(candidate).href) : requireFrom(candidate);
    }
  }
  return requireFrom(requireFrom.resolve(file, { paths: [root, path.resolve(root, path.dirname(file))] }));
}

async function loadHandler(root, name) {
  if (name.includes('..')) {
    throw new RuntimeFault('MalformedHandlerName',
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(name);
  const dot = base.indexOf('.');
  if (dot < 0) {
    throw new RuntimeFault('MalformedHandlerName', 'Bad handler');
  }
  const file = name.slice(0, name.length - base.length) + base.slice(0, dot);
  let loaded;
  try {
    loaded = await loadModule(root, file);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new RuntimeFault('UserCodeSyntaxError', String(error));
    }
    if (error && error.code === 'MODULE_NOT_FOUND') {
      throw new RuntimeFault('ImportModuleError', String(error));
    }
    throw error;
  }
  const keys = base.slice(dot + 1).split('.');
  const find = (object) => keys.reduce((nested, key) => (nested ? nested[key] : undefined), object);
  const handler = find(loaded) ?? find(loaded && loaded.default);
  if (!handler) {
    throw new RuntimeFault('HandlerNotFound', `${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw new RuntimeFault('HandlerNotFound', `${name} is not a function`);
  }
  return handler;
}

function makeContext(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const clientContext = headers['lambda-runtime-client-context'];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: clientContext ? JSON.parse(clientContext) : undefined,
    identity: undefined,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// Resolves with what the handler returns or gives to its callback. A callback's answer waits
// until nothing else is left to do, unless the handler says otherwise.
function runHandler(handler, event, context) {
  return new Promise((resolve, reject) => {
    let settle = null;
    const finish = () => {
      process.removeListener('beforeExit', finish);
      (settle ?? (() => resolve(null)))();
    };
    const callback = (error, result) => {
      if (settle) {
        return;
      }
      settle = error !== undefined && error !== null ? () => reject(error) : () => resolve(result);
      if (!context.callbackWaitsForEmptyEventLoop) {
        setImmediate(finish);
      }
    };
    context.done = (error, result) => {
      context.callbackWaitsForEmptyEventLoop = false;
      callback(error, result);
    };
    context.succeed = (result) => context.done(null, result);
    context.fail = (error) => context.done(error === undefined || error === null ? 'handled' : error);
    process.on('beforeExit', finish);
    const returned = handler(event, context, callback);
    if (returned && typeof returned.then === 'function') {
      returned.then((result) => {
        process.removeListener('beforeExit', finish);
        resolve(result);
      }, (error) => {
        process.removeListener('beforeExit', finish);
        reject(error);
      });
    }
  });
}

async function work(handler, headers, body) {
  currentRequestId = headers['lambda-runtime-aws-request-id'];
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
  const where = `/invocation/${currentRequestId}`;
  let answer;
  try {
    const result = await runHandler(handler, JSON.parse(body), makeContext(headers));
    try {
      answer = JSON.stringify(result === undefined ? null : result) ?? 'null';
    } catch {
      throw new Error('Unable to stringify response body');
    }
  } catch (error) {
    console.error('Invoke Error', '\t' + JSON.stringify(describe(error)));
    await postError(`${where}/error`, error);
    return;
  }
  await call('POST', `${where}/response`, answer, { 'Content-Type': 'application/json' });
}

// An error that nobody awaits ends the process; it is the answer to the event at hand.
function failAndExit(error, code) {
  const where = currentRequestId ? `/invocation/${currentRequestId}/error` : '/init/error';
  const exit = () => process.exit(code);
  postError(where, error).then(exit, exit);
}

async function main() {
  setUpConsole();
  process.env.AWS_EXECUTION_ENV ??= `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`;
  process.on('uncaughtException', (error) => {
    console.error('Uncaught Exception', '\t' + JSON.stringify(describe(error)));
    failAndExit(error, 129);
  });
  process.on('unhandledRejection', (reason) => {
    const error = new RuntimeFault('UnhandledPromiseRejection', String(reason));
    console.error('Unhandled Promise Rejection', '\t' + JSON.stringify(describe(error)));
    failAndExit(error, 128);
  });
  let handler;
  try {
    handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  } catch (error) {
    console.error('Uncaught Exception', '\t' + JSON.stringify(describe(error)));
    failAndExit(error, 1);
    return;
  }
  for (;;) {
    let event;
    try {
      event = await call('GET', '/invocation/next');
    } catch {
      // The server is gone.
      process.exit(1);
    }
    await work(handler, event.headers, event.body);
  }
}

main();
