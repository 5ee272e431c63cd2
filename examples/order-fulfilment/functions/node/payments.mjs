// Talks to the bank. Every payment is a file named after its order, so a charge that is carried
// out twice, because the server was killed at the wrong moment, takes the money once.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = join(process.env.SHOP, 'payments');

class CardDeclined extends Error {
  name = 'CardDeclined';
}

export async function charge({ orderId, amount, card }) {
  if (card === 'tok_declined') {
    throw new CardDeclined('the bank says no');
  }
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${orderId}.json`);
  const payment = { receipt: `receipt-${orderId}`, amount, refunded: false };
  try {
    await writeFile(path, JSON.stringify(payment), { flag: 'wx' });
    console.log(`charged ${amount} EUR`);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    console.log(`${orderId} is paid already`);
  }
  return { receipt: payment.receipt };
}

export async function refund({ orderId }) {
  const path = join(folder, `${orderId}.json`);
  const payment = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...payment, refunded: true }));
  console.log(`refunded ${payment.amount} EUR`);
  return { refunded: payment.amount };
}
