// Hands the parcel over.

class AddressUnknown extends Error {
  name = 'AddressUnknown';
}

export async function ship({ orderId, parcel, address }) {
  if (address.country === 'Atlantis') {
    throw new AddressUnknown('no carrier goes there');
  }
  console.log(`parcel ${parcel.id} goes to ${address.city}`);
  return { tracking: `track-${orderId}` };
}
